/* The log of the library: what nodes do, and nothing secret. */

#include "support.h"

enum { TRACE = CONNECTOID_LOG_LEVEL_TRACE };

static void refused(connectoid_status status, connectoid_status wanted) {
  CHECK(status == wanted);
  connectoid_free(connectoid_last_error());
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  CHECK(connectoid_follow_log(0, NULL, NULL) == 0 && connectoid_follow_log(TRACE + 1, NULL, NULL) == 0);
  connectoid_message *why = connectoid_last_error();
  CHECK(why != NULL && strstr(why->json, "no such level") != NULL);
  connectoid_free(why);

  connectoid_node log = connectoid_follow_log(TRACE, NULL, NULL);
  CHECK(log != 0);
  peer called;
  memset(&called, 0, sizeof called);
  pthread_mutex_init(&called.lock, NULL);
  pthread_cond_init(&called.more, NULL);
  called.end = &called.first;
  called.caller = pthread_self();
  called.node = connectoid_follow_log(CONNECTOID_LOG_LEVEL_DEBUG, keep, &called);
  CHECK(called.node != 0 && called.node != log);

  peer alice, bob;
  char link[2048], secret[2048];
  open_peer(&alice, arguments[1]);
  open_peer(&bob, arguments[1]);
  pair(&alice, &bob, "bob", "g");
  done(&alice,
       "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\",\"id\":\"r\","
       "\"fields\":{\"secret\":\"swordfish\"}}]}");
  connectoid_message *reply =
      reply_to(&alice, beginf(&alice, "{\"method\":\"share\",\"nickname\":\"carol\",\"group\":\"g\"}"));
  text_of(reply, "link", link, sizeof link);
  connectoid_free(reply);
  const char *point = strstr(link, "connectoid=") + strlen("connectoid=");
  snprintf(secret, sizeof secret, "%.*s", (int)strcspn(point, "."), point);
  close_peer(&alice);
  close_peer(&bob);

  /* Both say that they are closed, and that is the last of each. */
  const char *secrets[] = {secret, "swordfish", "127.0.0.1", "http"};
  int closed = 0, connected = 0;
  while (closed < 2) {
    connectoid_message *line = connectoid_receive(log, PATIENCE_SECONDS * 1000);
    CHECK(line != NULL && line->kind == CONNECTOID_KIND_LOG && line->node == log && line->id == 0);
    CHECK(strstr(line->json, "\"target\":\"connectoid") != NULL);
    const char *words = strstr(line->json, "\"message\":");
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) CHECK(strstr(words, secrets[i]) == NULL);
    closed += strstr(line->json, "\"message\":\"closed\"") != NULL;
    connected += strstr(line->json, ": connected\"") != NULL;
    connectoid_free(line);
  }
  CHECK(connected == 2);
  connectoid_free(wait_for(&called, CONNECTOID_KIND_LOG, 0, "{\"level\":\"debug\",\"target\":\"connectoid"));

  /* It is no node. */
  refused(connectoid_call(log, 1, "{}", 2, NULL, 0), CONNECTOID_STATUS_INVALID_ARGUMENT);
  refused(connectoid_close(log, 1), CONNECTOID_STATUS_INVALID_ARGUMENT);
  CHECK(connectoid_release(log) == CONNECTOID_STATUS_OK);
  refused(connectoid_release(log), CONNECTOID_STATUS_NO_SUCH_NODE);
  release_peer(&called);
  return 0;
}
