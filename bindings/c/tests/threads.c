/* Every function from every thread at once, while the node is closed and released: each call that was taken is answered
 * once, and nothing is called after the release. */

#include <stdatomic.h>
#include <stdbool.h>

#include "support.h"

enum { THREADS = 8, CALLS = 200 };

/* What the callback knows. Once the node is released, it must not be looked at any more. */
typedef struct heard {
  atomic_bool over;
  atomic_ulong answers;
} heard;

typedef struct worker {
  pthread_t thread;
  connectoid_node node;
  uint64_t first;
  unsigned long taken;
} worker;

static void on_message(void *user_data, connectoid_message *message) {
  heard *self = user_data;
  CHECK(!atomic_load(&self->over));
  if (message->kind != CONNECTOID_KIND_EVENT) atomic_fetch_add(&self->answers, 1);
  connectoid_free(message);
}

/* Calls, takes every third call back, and reads what went wrong: on this thread, and nowhere else. */
static void *work(void *argument) {
  worker *self = argument;
  for (uint64_t id = self->first; id < self->first + CALLS; id++) {
    connectoid_status status = connectoid_call(self->node, id, "{\"method\":\"peers\"}", 18, NULL, 0);
    connectoid_message *error = connectoid_last_error();
    CHECK((status == CONNECTOID_STATUS_OK) == (error == NULL));
    connectoid_free(error);
    if (status == CONNECTOID_STATUS_OK)
      self->taken++;
    else
      CHECK(status == CONNECTOID_STATUS_NO_SUCH_NODE);
    if (id % 3 == 0) connectoid_cancel(self->node, id);
  }
  return NULL;
}

static void await_answers(heard *heard, unsigned long answers) {
  struct timespec pause = {.tv_nsec = 1000000};
  for (double end = now_seconds() + PATIENCE_SECONDS; atomic_load(&heard->answers) < answers; nanosleep(&pause, NULL))
    CHECK(now_seconds() < end);
}

/* Ends the node after so many answers: by closing and releasing it, or by releasing it alone. */
static void round_of(unsigned long answers, bool closes) {
  heard *heard = calloc(1, sizeof *heard);
  CHECK(heard != NULL);
  connectoid_node node = connectoid_open(1, "{\"storage\":\"memory\"}", 20, on_message, heard);
  CHECK(node != 0);
  worker workers[THREADS] = {0};
  for (int i = 0; i < THREADS; i++) {
    workers[i].node = node;
    workers[i].first = 1000 * (uint64_t)(i + 1);
    CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
  }
  await_answers(heard, answers);
  if (closes) CHECK(connectoid_close(node, 2) == CONNECTOID_STATUS_OK);
  if (answers < THREADS * CALLS) {
    CHECK(connectoid_release(node) == CONNECTOID_STATUS_OK);
    atomic_store(&heard->over, true);
  }
  unsigned long taken = closes ? 2 : 1;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    taken += workers[i].taken;
  }
  if (answers < THREADS * CALLS) {
    CHECK(atomic_load(&heard->answers) <= taken);
  } else {
    await_answers(heard, taken);
    CHECK(connectoid_release(node) == CONNECTOID_STATUS_OK);
    CHECK(atomic_load(&heard->answers) == taken);
  }
  /* Whatever still held on to it would be seen by valgrind. */
  free(heard);
}

int main(void) {
  for (unsigned long answers = 0; answers < 200; answers += 20) {
    round_of(answers, false);
    round_of(answers, true);
  }
  round_of(THREADS * CALLS, false);
  round_of(THREADS * CALLS, true);
  return 0;
}
