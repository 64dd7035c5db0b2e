/* Every function from every thread at once, while the node is closed and released: each call that was taken is answered
 * once, and nothing is called after the release. */

#include <stdbool.h>

#include "support.h"

enum { THREADS = 8, CALLS = 100 };

/* What the callback knows. Once the node is released, it must not be looked at any more. */
typedef struct heard {
  pthread_mutex_t lock;
  pthread_cond_t more;
  bool over;
  unsigned long answers;
} heard;

typedef struct worker {
  pthread_t thread;
  connectoid_node node;
  uint64_t first;
  unsigned long taken;
} worker;

static void on_message(void *user_data, connectoid_message *message) {
  heard *self = user_data;
  pthread_mutex_lock(&self->lock);
  CHECK(!self->over);
  if (message->kind != CONNECTOID_KIND_EVENT) self->answers++;
  pthread_cond_signal(&self->more);
  pthread_mutex_unlock(&self->lock);
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

/* Waits for so many answers; returns how many there are. */
static unsigned long await_answers(heard *heard, unsigned long answers) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += PATIENCE_SECONDS;
  pthread_mutex_lock(&heard->lock);
  while (heard->answers < answers) CHECK(pthread_cond_timedwait(&heard->more, &heard->lock, &deadline) == 0);
  unsigned long there = heard->answers;
  pthread_mutex_unlock(&heard->lock);
  return there;
}

/* Ends the node after so many answers: by closing and releasing it, or by releasing it alone. */
static void round_of(unsigned long answers, bool closes) {
  heard *heard = calloc(1, sizeof *heard);
  CHECK(heard != NULL);
  pthread_mutex_init(&heard->lock, NULL);
  pthread_cond_init(&heard->more, NULL);
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
    pthread_mutex_lock(&heard->lock);
    heard->over = true;
    pthread_mutex_unlock(&heard->lock);
  }
  unsigned long taken = closes ? 2 : 1;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    taken += workers[i].taken;
  }
  if (answers < THREADS * CALLS) {
    CHECK(await_answers(heard, 0) <= taken);
  } else {
    await_answers(heard, taken);
    CHECK(connectoid_release(node) == CONNECTOID_STATUS_OK);
    CHECK(await_answers(heard, 0) == taken);
  }
  pthread_mutex_destroy(&heard->lock);
  pthread_cond_destroy(&heard->more);
  /* Whatever still held on to it would be seen by valgrind. */
  free(heard);
}

int main(void) {
  for (unsigned long answers = 0; answers < 200; answers += 40) {
    round_of(answers, false);
    round_of(answers, true);
  }
  round_of(THREADS * CALLS, false);
  round_of(THREADS * CALLS, true);
  return 0;
}
