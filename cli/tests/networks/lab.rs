//! A small internet: a public network, and two homes behind routers that translate addresses.
//!
//! ```text
//! alice 10.1.0.2 ── router 203.0.113.10 ──┐
//!                                         ├── 203.0.113.1: mailbox service, STUN and TURN
//! bob   10.2.0.2 ── router 203.0.113.20 ──┘
//! ```
//!
//! Each of the five is a network namespace of Linux, so this needs root, `ip`, `nft` and, for STUN and TURN,
//! `turnserver` of the coturn project.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// The public address of everything that is a server.
const PUBLIC: &str = "203.0.113.1";

pub(crate) const SERVICE: &str = "http://203.0.113.1:8765";
pub(crate) const STUN: &str = "stun:203.0.113.1";
pub(crate) const TURN: &str = "turn:lab:secret@203.0.113.1";

/// How a router maps what goes out.
#[derive(Clone, Copy)]
pub(crate) enum Mapping {
    /// One outer port for each inner one, as most routers at home do: direct connections are possible.
    Kept,
    /// Another outer port for each destination ("symmetric"): only a relay helps.
    PerDestination,
}

/// The namespaces and what runs in them. All ends with it.
pub(crate) struct Lab {
    name: String,
    processes: Vec<Child>,
}

impl Lab {
    /// Builds the networks; `None` on a machine that cannot.
    pub(crate) fn build(mapping: Mapping, lost_percent: u32) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let missing = ["ip", "nft", "turnserver"].into_iter().find(|tool| !runs(tool));
        let problem = match (missing, runs_as_root()) {
            (None, true) => None,
            (Some(tool), _) => Some(format!("it needs `{tool}`")),
            (None, false) => Some("it needs root".to_owned()),
        };
        if let Some(problem) = problem {
            assert!(
                std::env::var_os("CI").is_none(),
                "the test of real networks must run in CI, but {problem}"
            );
            eprintln!("skipped: {problem}");
            return None;
        }
        let name = format!("cx{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let lab = Self { name, processes: Vec::new() };
        for host in ["net", "routera", "routerb", "alice", "bob"] {
            lab.ip(&format!("netns add {}", lab.space(host)));
            lab.ip(&format!("-n {} link set lo up", lab.space(host)));
        }
        let net = lab.space("net");
        lab.ip(&format!("-n {net} link add br0 type bridge"));
        lab.ip(&format!("-n {net} addr add {PUBLIC}/24 dev br0"));
        lab.ip(&format!("-n {net} link set br0 up"));
        // What is for private addresses is lost on the way, as it is on the internet: a relay whose packets
        // have no route at all takes that for the end of the session.
        lab.ip(&format!("-n {net} route add default dev br0"));
        lab.home("alice", "routera", "203.0.113.10", "10.1.0", mapping, lost_percent);
        lab.home("bob", "routerb", "203.0.113.20", "10.2.0", mapping, lost_percent);
        Some(lab)
    }

    fn home(&self, host: &str, router: &str, outer: &str, inner: &str, mapping: Mapping, lost_percent: u32) {
        let (net, inside, out) = (self.space("net"), self.space(host), self.space(router));
        self.ip(&format!("link add up0 netns {out} type veth peer name {router} netns {net}"));
        self.ip(&format!("-n {net} link set {router} master br0 up"));
        self.ip(&format!("-n {out} addr add {outer}/24 dev up0"));
        self.ip(&format!("-n {out} link set up0 up"));
        self.ip(&format!("link add in0 netns {out} type veth peer name eth0 netns {inside}"));
        self.ip(&format!("-n {out} addr add {inner}.1/24 dev in0"));
        self.ip(&format!("-n {out} link set in0 up"));
        self.ip(&format!("-n {inside} addr add {inner}.2/24 dev eth0"));
        self.ip(&format!("-n {inside} link set eth0 up"));
        self.ip(&format!("-n {inside} route add default via {inner}.1"));
        self.ip(&format!("netns exec {out} sysctl -qw net.ipv4.ip_forward=1"));
        let masquerade = match mapping {
            Mapping::Kept => "masquerade",
            Mapping::PerDestination => "masquerade random,fully-random",
        };
        let rules = format!(
            "table ip home {{
               chain nat {{ type nat hook postrouting priority 100
                 oifname up0 {masquerade}
               }}
               chain through {{ type filter hook forward priority 0
                 numgen random mod 100 < {lost_percent} drop
                 iifname up0 ct state new drop
               }}
               chain self {{ type filter hook input priority 0
                 iifname up0 ct state new drop
               }}
             }}"
        );
        let file = std::env::temp_dir().join(format!("{}-{router}.nft", self.name));
        std::fs::write(&file, rules).unwrap();
        self.ip(&format!("netns exec {out} nft -f {}", file.display()));
        std::fs::remove_file(file).unwrap();
    }

    /// Starts a program in the public network and waits for a line of its output.
    pub(crate) fn serve(&mut self, program: &str, arguments: &[&str], ready: &str) {
        let mut command = self.command("net", program);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let found = lines.any(|line| line.unwrap().contains(ready));
        assert!(found, "{program} never said {ready:?}");
        // Whoever writes to a closed pipe ends; so it is read on.
        std::thread::spawn(move || lines.for_each(drop));
        self.processes.push(child);
    }

    /// A program in the network of a host.
    pub(crate) fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(host), program]);
        command
    }

    /// Gives a host another address in its home, as if it had moved.
    pub(crate) fn move_host(&self, host: &str, inner: &str) {
        let inside = self.space(host);
        self.ip(&format!("-n {inside} addr flush dev eth0"));
        self.ip(&format!("-n {inside} addr add {inner}.77/24 dev eth0"));
        self.ip(&format!("-n {inside} route add default via {inner}.1"));
    }

    fn space(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }

    fn ip(&self, arguments: &str) {
        let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: ip {arguments}: {error}", self.name);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        for host in ["alice", "bob", "routera", "routerb", "net"] {
            let _ = Command::new("ip").args(["netns", "del", &self.space(host)]).status();
        }
    }
}

fn runs(tool: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
    found.is_ok_and(|output| output.status.success())
}

fn runs_as_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0")
}
