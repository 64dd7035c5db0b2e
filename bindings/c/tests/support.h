/* What the test programs share: nodes whose messages are kept until somebody waits for them. */

#ifndef SUPPORT_H
#define SUPPORT_H

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectoid.h"

/* Nothing takes this long unless it hangs; under valgrind, all is slow. */
enum { PATIENCE_SECONDS = 300 };

#define CHECK(condition)                                                                        \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                   \
      exit(1);                                                                                  \
    }                                                                                           \
  } while (0)

typedef struct kept {
  connectoid_message *message;
  struct kept *next;
} kept;

typedef struct peer {
  connectoid_node node;
  uint64_t last_id;
  pthread_mutex_t lock;
  pthread_cond_t more;
  kept *first, **end;
  pthread_t caller;
} peer;

static void keep(void *user_data, connectoid_message *message) {
  peer *self = user_data;
  kept *entry = malloc(sizeof *entry);
  CHECK(entry != NULL);
  CHECK(!pthread_equal(pthread_self(), self->caller));
  entry->message = message;
  entry->next = NULL;
  pthread_mutex_lock(&self->lock);
  *self->end = entry;
  self->end = &entry->next;
  pthread_cond_broadcast(&self->more);
  pthread_mutex_unlock(&self->lock);
}

/* The first kept message of a kind, of any if that is 0, with an id unless that is 0, whose JSON has a text in it. */
static connectoid_message *wait_for(peer *self, connectoid_kind kind, uint64_t id, const char *text) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += PATIENCE_SECONDS;
  pthread_mutex_lock(&self->lock);
  for (;;) {
    for (kept **place = &self->first; *place != NULL; place = &(*place)->next) {
      connectoid_message *message = (*place)->message;
      if ((kind == 0 || message->kind == kind) && (id == 0 || message->id == id) && strstr(message->json, text)) {
        kept *entry = *place;
        *place = entry->next;
        if (self->end == &entry->next) self->end = place;
        free(entry);
        pthread_mutex_unlock(&self->lock);
        return message;
      }
    }
    if (pthread_cond_timedwait(&self->more, &self->lock, &deadline) != 0) {
      fprintf(stderr, "waited in vain for %s; there are:\n", text);
      for (kept *entry = self->first; entry != NULL; entry = entry->next)
        fprintf(stderr, "  %u %llu %.300s\n", (unsigned)entry->message->kind,
                (unsigned long long)entry->message->id, entry->message->json);
      exit(1);
    }
  }
}

static inline void await_event(peer *self, const char *text) {
  connectoid_free(wait_for(self, CONNECTOID_KIND_EVENT, 0, text));
}

/* Makes a call, with bytes. */
static uint64_t begin(peer *self, const char *json, const void *bytes, size_t length) {
  uint64_t id = ++self->last_id;
  CHECK(connectoid_call(self->node, id, json, strlen(json), bytes, length) == CONNECTOID_STATUS_OK);
  return id;
}

static inline uint64_t beginf(peer *self, const char *format, ...) {
  char json[4096];
  va_list arguments;
  va_start(arguments, format);
  CHECK(vsnprintf(json, sizeof json, format, arguments) < (int)sizeof json);
  va_end(arguments);
  return begin(self, json, NULL, 0);
}

static inline connectoid_message *reply_to(peer *self, uint64_t id) {
  return wait_for(self, CONNECTOID_KIND_REPLY, id, "");
}

/* A call that succeeds. */
static inline void done(peer *self, const char *json) {
  connectoid_free(reply_to(self, begin(self, json, NULL, 0)));
}

/* A call that fails with a kind of error. */
static inline void fails(peer *self, uint64_t id, const char *kind) {
  char text[64];
  snprintf(text, sizeof text, "\"kind\":\"%s\"", kind);
  connectoid_free(wait_for(self, CONNECTOID_KIND_FAILURE, id, text));
}

/* A text of a JSON object, for the simple texts of these tests: no escapes. */
static inline void text_of(const connectoid_message *message, const char *name, char *into, size_t size) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *start = strstr(message->json, key);
  CHECK(start != NULL);
  start += strlen(key);
  size_t length = strcspn(start, "\"");
  CHECK(length < size);
  memcpy(into, start, length);
  into[length] = 0;
}

static uint64_t open_with(peer *self, const char *settings) {
  memset(self, 0, sizeof *self);
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->more, NULL);
  self->end = &self->first;
  self->caller = pthread_self();
  self->node = connectoid_open(++self->last_id, settings, strlen(settings), keep, self);
  CHECK(self->node != 0);
  return self->last_id;
}

/* A node in memory, reachable over loopback. */
static inline void open_peer(peer *self, const char *service) {
  char settings[512];
  snprintf(settings, sizeof settings,
           "{\"storage\":\"memory\",\"services\":[\"%s\"],\"loopback\":true,\"bind\":[\"127.0.0.1\"],"
           "\"idle_timeout\":3600}",
           service);
  connectoid_free(reply_to(self, open_with(self, settings)));
}

static void release_peer(peer *self) {
  CHECK(connectoid_release(self->node) == CONNECTOID_STATUS_OK);
  for (kept *entry = self->first; entry != NULL;) {
    kept *next = entry->next;
    connectoid_free(entry->message);
    free(entry);
    entry = next;
  }
  pthread_mutex_destroy(&self->lock);
  pthread_cond_destroy(&self->more);
}

static void close_node(peer *self) {
  uint64_t id = ++self->last_id;
  CHECK(connectoid_close(self->node, id) == CONNECTOID_STATUS_OK);
  connectoid_free(reply_to(self, id));
}

static inline void close_peer(peer *self) {
  close_node(self);
  release_peer(self);
}

/* Alice shares a group with Bob, or whom she calls otherwise; both have the same when this returns. */
static inline void pair(peer *alice, peer *bob, const char *nickname, const char *group) {
  char link[2048];
  connectoid_message *reply = reply_to(
      alice, beginf(alice, "{\"method\":\"share\",\"nickname\":\"%s\",\"group\":\"%s\"}", nickname, group));
  text_of(reply, "link", link, sizeof link);
  connectoid_free(reply);
  uint64_t opening = beginf(bob, "{\"method\":\"open\",\"link\":\"%s\",\"nickname\":\"alice\"}", link);
  connectoid_free(reply_to(bob, opening));
  await_event(bob, "\"event\":\"synced\"");
  await_event(alice, "\"event\":\"synced\"");
}

static inline double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
