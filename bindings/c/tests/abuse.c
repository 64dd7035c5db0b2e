/* Whatever is handed over: an error, never a crash. */

#include "support.h"

/* The last error of this thread, which has a status and a text in it. */
static void last_error(connectoid_status status, const char *text) {
  char start[32];
  snprintf(start, sizeof start, "{\"status\":%u,", (unsigned)status);
  connectoid_message *error = connectoid_last_error();
  CHECK(error != NULL && error->kind == CONNECTOID_KIND_FAILURE && error->node == 0);
  if (strncmp(error->json, start, strlen(start)) != 0 || strstr(error->json, text) == NULL) {
    fprintf(stderr, "%s instead of %s\n", error->json, text);
    exit(1);
  }
  connectoid_free(error);
  CHECK(connectoid_last_error() == NULL);
}

static void bad_arguments(void) {
  CHECK(connectoid_last_error() == NULL);
  CHECK(connectoid_open(1, NULL, 5, NULL, NULL) == 0);
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "settings is NULL");
  CHECK(connectoid_open(1, "\xff", 1, NULL, NULL) == 0);
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "not UTF-8");
  CHECK(connectoid_open(1, "x", (size_t)-1, NULL, NULL) == 0);
  last_error(CONNECTOID_STATUS_TOO_LARGE, "settings");

  CHECK(connectoid_call(0, 1, "{}", 2, NULL, 0) == CONNECTOID_STATUS_NO_SUCH_NODE);
  last_error(CONNECTOID_STATUS_NO_SUCH_NODE, "no such node");
  CHECK(connectoid_cancel(77, 1) == CONNECTOID_STATUS_NO_SUCH_NODE);
  CHECK(connectoid_close(77, 1) == CONNECTOID_STATUS_NO_SUCH_NODE);
  CHECK(connectoid_release((connectoid_node)-1) == CONNECTOID_STATUS_NO_SUCH_NODE);
  CHECK(connectoid_complete(77, 1, NULL, 0, NULL, 0) == CONNECTOID_STATUS_NO_SUCH_NODE);
  CHECK(connectoid_receive(77, 0) == NULL);
  last_error(CONNECTOID_STATUS_NO_SUCH_NODE, "no such node");

  connectoid_free(NULL);
  CHECK(connectoid_last_error() == NULL);
  char aside[64];
  connectoid_free((connectoid_message *)(void *)(aside + ((size_t)aside % 2 == 0)));
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "aligned");
}

static void bad_calls(void) {
  peer node;
  connectoid_free(reply_to(&node, open_with(&node, "{\"storage\":\"memory\"}")));
  CHECK(connectoid_call(node.node, 9, NULL, 2, NULL, 0) == CONNECTOID_STATUS_INVALID_ARGUMENT);
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "json is NULL");
  CHECK(connectoid_call(node.node, 9, "\xc3", 1, NULL, 0) == CONNECTOID_STATUS_INVALID_ARGUMENT);
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "json is not UTF-8");
  CHECK(connectoid_call(node.node, 9, "{}", 2, NULL, 3) == CONNECTOID_STATUS_INVALID_ARGUMENT);
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "bytes is NULL");
  CHECK(connectoid_call(node.node, 9, "{}", ((size_t)4 << 20) + 1, NULL, 0) == CONNECTOID_STATUS_TOO_LARGE);
  CHECK(connectoid_call(node.node, 9, "{}", 2, (const uint8_t *)"", ((size_t)1 << 20) + 1) ==
        CONNECTOID_STATUS_TOO_LARGE);
  CHECK(connectoid_complete(node.node, 9, NULL, 0, NULL, 0) == CONNECTOID_STATUS_NO_SUCH_ID);
  CHECK(connectoid_receive(node.node, 0) == NULL);
  last_error(CONNECTOID_STATUS_INVALID_ARGUMENT, "callback");

  /* As great as it may be, and deep. */
  size_t size = (size_t)4 << 20;
  char *deep = malloc(size + 1);
  CHECK(deep != NULL);
  memset(deep, '[', size);
  deep[size] = 0;
  fails(&node, begin(&node, deep, NULL, 0), "usage");
  free(deep);
  close_peer(&node);
}

static void bad_settings(void) {
  const char *settings[] = {"", "{}", "[]", "{\"storage\":{\"folder\":7}}", "{\"storage\":\"disk\"}"};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    peer node;
    fails(&node, open_with(&node, settings[i]), "usage");
    fails(&node, begin(&node, "{\"method\":\"peers\"}", NULL, 0), "closed");
    close_peer(&node);
  }
  peer node;
  fails(&node, open_with(&node, "{\"storage\":{\"folder\":\"/dev/null/x\"}}"), "storage_unavailable");
  release_peer(&node);
}

/* A call that fails thus, unless its answer was on the way. */
static void fails_unless_done(peer *self, uint64_t id, const char *kind) {
  connectoid_message *answer = wait_for(self, 0, id, "");
  CHECK(answer->kind == CONNECTOID_KIND_REPLY || strstr(answer->json, kind));
  connectoid_free(answer);
}

/* Calls may be made before the node is open, and the node closed or released before it is. */
static void no_patience(void) {
  peer node;
  uint64_t opening = open_with(&node, "{\"storage\":\"memory\"}");
  uint64_t group = begin(&node, "{\"method\":\"create_group\",\"name\":\"g\"}", NULL, 0);
  uint64_t groups = begin(&node, "{\"method\":\"groups\"}", NULL, 0);
  connectoid_free(reply_to(&node, opening));
  connectoid_free(reply_to(&node, group));
  connectoid_free(wait_for(&node, CONNECTOID_KIND_REPLY, groups, "\"name\":\"g\""));
  release_peer(&node);

  opening = open_with(&node, "{\"storage\":\"memory\"}");
  close_node(&node);
  fails_unless_done(&node, opening, "\"kind\":\"closed\"");
  release_peer(&node);

  opening = open_with(&node, "{\"storage\":\"memory\"}");
  if (connectoid_cancel(node.node, opening) == CONNECTOID_STATUS_OK)
    fails_unless_done(&node, opening, "\"kind\":\"cancelled\"");
  release_peer(&node);

  open_with(&node, "{\"storage\":\"memory\"}");
  release_peer(&node);
}

typedef struct inward {
  peer peer;
  int step;
} inward;

/* Each message makes the next call, down to the release. */
static void call_in(void *user_data, connectoid_message *message) {
  inward *self = user_data;
  pthread_mutex_lock(&self->peer.lock);
  if (message->kind != CONNECTOID_KIND_EVENT) {
    self->step++;
    CHECK(message->id == (uint64_t)self->step);
    if (self->step < 100)
      CHECK(connectoid_call(message->node, (uint64_t)self->step + 1, "{\"method\":\"peers\"}", 18, NULL, 0) ==
            CONNECTOID_STATUS_OK);
    else if (self->step == 100)
      CHECK(connectoid_close(message->node, 101) == CONNECTOID_STATUS_OK);
    else
      CHECK(connectoid_release(message->node) == CONNECTOID_STATUS_OK);
    pthread_cond_broadcast(&self->peer.more);
  }
  pthread_mutex_unlock(&self->peer.lock);
  connectoid_free(message);
}

static void calling_in_from_a_callback(void) {
  inward self = {.step = 0};
  pthread_mutex_init(&self.peer.lock, NULL);
  pthread_cond_init(&self.peer.more, NULL);
  CHECK(connectoid_open(1, "{\"storage\":\"memory\"}", 20, call_in, &self) != 0);
  pthread_mutex_lock(&self.peer.lock);
  while (self.step < 101) pthread_cond_wait(&self.peer.more, &self.peer.lock);
  pthread_mutex_unlock(&self.peer.lock);
}

static void *receive_last(void *node) {
  connectoid_message *message;
  while ((message = connectoid_receive((connectoid_node)node, 1000 * PATIENCE_SECONDS)) != NULL)
    connectoid_free(message);
  return NULL;
}

static void messages_can_be_waited_for(void) {
  connectoid_node node = connectoid_open(5, "{\"storage\":\"memory\"}", 20, NULL, NULL);
  connectoid_message *message = connectoid_receive(node, 1000 * PATIENCE_SECONDS);
  CHECK(message != NULL && message->kind == CONNECTOID_KIND_REPLY && message->id == 5);
  connectoid_free(message);
  CHECK(connectoid_receive(node, 1) == NULL);
  CHECK(connectoid_last_error() == NULL);
  CHECK(connectoid_close(node, 6) == CONNECTOID_STATUS_OK);
  message = connectoid_receive(node, 1000 * PATIENCE_SECONDS);
  CHECK(message != NULL && message->id == 6);
  pthread_t waiting;
  CHECK(pthread_create(&waiting, NULL, receive_last, (void *)node) == 0);
  CHECK(connectoid_release(node) == CONNECTOID_STATUS_OK);
  pthread_join(waiting, NULL);
  /* What was delivered stays. */
  CHECK(strcmp(message->json, "{\"reply\":\"done\"}") == 0);
  connectoid_free(message);
}

int main(void) {
  bad_arguments();
  bad_calls();
  bad_settings();
  no_patience();
  calling_in_from_a_callback();
  messages_can_be_waited_for();
  return 0;
}
