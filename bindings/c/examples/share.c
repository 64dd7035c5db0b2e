/* Two nodes of one program meet by a link and have the same record.
 *
 *   share SERVICE FOLDER
 *
 * An app has one node, and its user sends the link by a messenger; here, both are in one place. To keep it short, the
 * program waits for each message (connectoid_receive); an app gives connectoid_open a callback. */

#include <connectoid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waits for the message with a text in it, and fails with any failure. The caller frees it. */
static connectoid_message *wait_for(connectoid_node node, const char *text) {
  connectoid_message *message;
  while ((message = connectoid_receive(node, 300000)) != NULL) {
    if (message->kind == CONNECTOID_KIND_FAILURE) break;
    if (strstr(message->json, text) != NULL) return message;
    connectoid_free(message);
  }
  fprintf(stderr, "no %s: %s\n", text, message != NULL ? message->json : "nothing came");
  exit(1);
}

static connectoid_node open_node(const char *service, const char *folder, const char *name) {
  char json[1024];
  snprintf(json, sizeof json,
           "{\"storage\":{\"folder\":\"%s/%s\"},\"services\":[\"%s\"],\"loopback\":true}", folder, name, service);
  connectoid_node node = connectoid_open(1, json, strlen(json), NULL, NULL);
  connectoid_free(wait_for(node, "\"reply\":\"user\""));
  return node;
}

static connectoid_message *call(connectoid_node node, const char *json, const char *answer) {
  if (connectoid_call(node, 2, json, strlen(json), NULL, 0) != CONNECTOID_STATUS_OK) exit(1);
  return wait_for(node, answer);
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: share SERVICE FOLDER\n"), 2;
  connectoid_node alice = open_node(arguments[1], arguments[2], "alice");
  connectoid_node bob = open_node(arguments[1], arguments[2], "bob");

  /* The README begins here. */
  /* Alice makes a link for Bob, and writes something. */
  connectoid_message *link =
      call(alice, "{\"method\":\"share\",\"nickname\":\"bob\",\"group\":\"shopping\"}", "\"reply\":\"link\"");
  connectoid_free(call(alice,
                       "{\"method\":\"commit\",\"group\":\"shopping\",\"writes\":[{\"op\":\"put\","
                       "\"collection\":\"items\",\"id\":\"milk\",\"fields\":{\"count\":2}}]}",
                       "\"reply\":\"done\""));

  /* Bob opens it. There is nothing in a link that JSON would escape. */
  char open[4096];
  const char *text = strstr(link->json, "\"link\":\"") + strlen("\"link\":\"");
  snprintf(open, sizeof open, "{\"method\":\"open\",\"nickname\":\"alice\",\"link\":\"%.*s\"}",
           (int)strcspn(text, "\""), text);
  connectoid_free(link);
  connectoid_free(call(bob, open, "\"reply\":\"done\""));
  connectoid_free(wait_for(bob, "\"event\":\"synced\""));

  connectoid_message *milk = call(
      bob, "{\"method\":\"get\",\"group\":\"shopping\",\"collection\":\"items\",\"id\":\"milk\"}", "\"reply\":\"record\"");
  printf("bob has %s\n", milk->json);
  connectoid_free(milk);
  /* The README ends here. */

  connectoid_node nodes[] = {alice, bob};
  for (int i = 0; i < 2; i++) {
    connectoid_close(nodes[i], 3);
    connectoid_free(wait_for(nodes[i], "\"reply\":\"done\""));
    connectoid_release(nodes[i]);
  }
  return 0;
}
