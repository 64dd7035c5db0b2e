/* The app keeps the master secret. */

#include "support.h"

static char settings[1024];

/* Answers the next request, which has a text in it. */
static void answer(peer *node, const char *request, const void *bytes, size_t length, const char *error) {
  connectoid_message *message = wait_for(node, CONNECTOID_KIND_REQUEST, 0, request);
  CHECK(connectoid_complete(node->node, message->id, bytes, length, error, error ? strlen(error) : 0) ==
        CONNECTOID_STATUS_OK);
  CHECK(connectoid_complete(node->node, message->id, bytes, length, error, 0) == CONNECTOID_STATUS_NO_SUCH_ID);
  connectoid_free(message);
}

int main(int count, char **arguments) {
  CHECK(count == 3);
  snprintf(settings, sizeof settings,
           "{\"storage\":{\"folder\":\"%s/node\"},\"services\":[\"%s\"],\"host_key_store\":true}", arguments[2],
           arguments[1]);
  peer node;

  /* A new folder: there is no secret, and a new one is to be kept. */
  unsigned char secret[32], other[32] = {1};
  uint64_t opening = open_with(&node, settings);
  answer(&node, "{\"request\":\"load_secret\"}", NULL, 0, NULL);
  connectoid_message *save = wait_for(&node, CONNECTOID_KIND_REQUEST, 0, "{\"request\":\"save_secret\"}");
  CHECK(save->bytes_length == sizeof secret);
  memcpy(secret, save->bytes, sizeof secret);
  CHECK(connectoid_complete(node.node, save->id, NULL, 0, NULL, 0) == CONNECTOID_STATUS_OK);
  connectoid_free(save);
  connectoid_free(reply_to(&node, opening));
  done(&node, "{\"method\":\"create_group\",\"name\":\"g\"}");
  close_peer(&node);

  /* It opens the folder again. */
  opening = open_with(&node, settings);
  answer(&node, "load_secret", secret, sizeof secret, NULL);
  connectoid_free(reply_to(&node, opening));
  connectoid_free(wait_for(&node, CONNECTOID_KIND_REPLY, begin(&node, "{\"method\":\"groups\"}", NULL, 0), "\"g\""));
  close_peer(&node);

  /* Another does not, nor none, nor a failure, nor something that is no secret. */
  struct {
    const void *bytes;
    size_t length;
    const char *error, *kind;
  } wrong[] = {
      {other, sizeof other, NULL, "wrong_key"},
      {NULL, 0, NULL, "wrong_key"},
      {NULL, 0, "the user did not unlock it", "storage_unavailable"},
      {other, 5, NULL, "storage_unavailable"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    opening = open_with(&node, settings);
    answer(&node, "load_secret", wrong[i].bytes, wrong[i].length, wrong[i].error);
    fails(&node, opening, wrong[i].kind);
    close_peer(&node);
  }

  /* While the user is asked, the node can be closed, released, or the opening taken back. */
  opening = open_with(&node, settings);
  connectoid_message *request = wait_for(&node, CONNECTOID_KIND_REQUEST, 0, "load_secret");
  CHECK(connectoid_cancel(node.node, opening) == CONNECTOID_STATUS_OK);
  fails(&node, opening, "cancelled");
  CHECK(connectoid_complete(node.node, request->id, secret, 32, NULL, 0) == CONNECTOID_STATUS_NO_SUCH_ID);
  connectoid_free(request);
  close_peer(&node);
  opening = open_with(&node, settings);
  connectoid_free(wait_for(&node, CONNECTOID_KIND_REQUEST, 0, "load_secret"));
  close_node(&node);
  fails(&node, opening, "closed");
  release_peer(&node);
  open_with(&node, settings);
  connectoid_free(wait_for(&node, CONNECTOID_KIND_REQUEST, 0, "load_secret"));
  release_peer(&node);
  return 0;
}
