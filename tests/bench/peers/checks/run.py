#!/usr/bin/env python3
"""What a check that finds nothing costs a service: CPU time, and bytes and packets on the wire, by HTTP/1.1 and
HTTP/2, plain and with TLS, and by a single datagram. The measurement behind ADR 9.

Needs cargo, root (a network namespace of its own), ip, curl, openssl, wrk and h2load. Prints one JSON object."""

import base64, glob, json, os, subprocess, sys, tempfile, time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../.."))
RELEASE = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release")
SPACE = f"checks{os.getpid()}"
INSIDE = ["ip", "netns", "exec", SPACE]


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Service:
    def __init__(self, port, *extra):
        self.data = tempfile.TemporaryDirectory()
        # Nothing but the cost of a check is to be measured, so no client is slowed down.
        rates = ["--requests-per-second", "1000000", "--box-requests-per-second", "1000000"]
        command = [f"{RELEASE}/connectoid-service", "--listen", f"127.0.0.1:{port}", "--data", self.data.name]
        self.process = subprocess.Popen(INSIDE + command + rates + list(extra), stdout=subprocess.PIPE, text=True)
        assert "listening" in self.process.stdout.readline()

    def cpu_ns(self):
        total = 0
        for task in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(task) as file:
                total += int(file.read().split()[0])
        return total

    def stop(self):
        self.process.terminate()
        self.process.wait()


def traffic():
    folder = "/sys/class/net/lo/statistics"
    return [int(n) for n in run(*INSIDE, "cat", f"{folder}/rx_bytes", f"{folder}/rx_packets").split()]


def on_the_wire(url, body, *options):
    """Bytes and packets of the first check on a connection, and of each further one."""

    def cost(count):
        config = "".join(f'url = "{url}"\noutput = /dev/null\n' for _ in range(count))
        before = traffic()
        run(*INSIDE, "curl", "-sfk", "-A", "", "-H", "Accept:", "-d", body, *options, "-K", "-", input=config)
        time.sleep(0.5)  # The last packets of a closed connection come after curl has ended.
        return [after - earlier for after, earlier in zip(traffic(), before)]

    first, many = cost(1), cost(21)
    further = [round((all_of_them - one) / 20) for all_of_them, one in zip(many, first)]
    return {"first": {"bytes": first[0], "packets": first[1]}, "further": {"bytes": further[0], "packets": further[1]}}


def cpu(service, url, body, folder):
    """CPU time of a check in ns, by wrk over HTTP/1.1 and by h2load over HTTP/2."""
    script = os.path.join(folder, "check.lua")
    with open(script, "w") as file:
        file.write(f"wrk.method = 'POST'\nwrk.body = '{body}'\n")
    data = os.path.join(folder, "body")
    with open(data, "w") as file:
        file.write(body)
    result = {}
    before = service.cpu_ns()
    text = run(*INSIDE, "wrk", "-t1", "-c32", "-d4s", "-s", script, url)
    requests = int(text.split(" requests in")[0].split()[-1])
    assert "Non-2xx" not in text, text
    result["http/1.1"] = round((service.cpu_ns() - before) / requests)
    before = service.cpu_ns()
    text = run(*INSIDE, "h2load", "-n100000", "-c32", "-m4", "-d", data, url)
    assert "100000 succeeded" in text, text
    result["http/2"] = round((service.cpu_ns() - before) / 100_000)
    return result


def main():
    build = ["cargo", "build", "--release", "--quiet", "--manifest-path", f"{ROOT}/Cargo.toml", "-p", "connectoid-service"]
    subprocess.run(build + ["--bin", "connectoid-service", "--example", "datagram_check"], check=True, stdout=sys.stderr)
    run("ip", "netns", "add", SPACE)
    try:
        run("ip", "-n", SPACE, "link", "set", "lo", "up", "mtu", "1500")
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(folder)))
    finally:
        run("ip", "netns", "del", SPACE)


def measure(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    subject = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", *make, "-keyout", key, "-out", certificate, *subject)
    box = os.path.join(folder, "box.pem")
    run("openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", box)
    point = subprocess.run(
        ["openssl", "ec", "-in", box, "-pubout", "-conv_form", "compressed", "-outform", "DER"],
        check=True, capture_output=True,
    ).stdout[-49:]
    q = base64.urlsafe_b64encode(point).decode().rstrip("=")
    body = json.dumps({"type": "check", "pub": q, "at": 1760000000000000}, separators=(",", ":"))

    plain, secure = Service(8080), Service(8443, "--tls-cert", certificate, "--tls-key", key)
    http, https = "http://127.0.0.1:8080/", "https://127.0.0.1:8443/"
    wire = {
        "http/1.1": on_the_wire(http, body, "--http1.1"),
        "http/1.1 over TLS": on_the_wire(https, body, "--http1.1"),
        "http/2 over TLS": on_the_wire(https, body, "--http2"),
        # Q, cursor and the headers of IPv4 and UDP; the reply is a flag and the cursor.
        "datagram": {"first": {"bytes": 49 + 8 + 28 + 9 + 28 + 2 * 14, "packets": 2}},
    }
    cost = cpu(plain, http, body, folder)
    cost["datagram"] = json.loads(run(f"{RELEASE}/examples/datagram_check"))["cpu_ns_per_check"]
    plain.stop()
    secure.stop()
    return {"metric": "an empty check", "wire": wire, "cpu_ns": cost}


main()
