/*
 * The actor in C: see the README of this folder's parent. The C ABI takes and gives the very JSON that actors speak, but
 * for the bytes: they lie beside the JSON there, and are base64url in it here.
 */

#include <connectoid.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of a text. */
typedef struct {
  const char *start;
  size_t length;
} part;

static void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* The end of the JSON value that begins at a place; NULL if there is none. */
static const char *end_of_value(const char *at, const char *end) {
  int depth = 0;
  for (; at < end; at++) {
    if (*at == '"') {
      for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
      if (depth == 0) return at + 1;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (*at == ',' && depth == 0) {
      return at;
    }
  }
  return NULL;
}

/* The value of a name in an object without blanks between names and values. */
static bool value_of(part object, const char *name, part *value) {
  const char *at = object.start + 1, *end = object.start + object.length;
  while (at < end && *at == '"') {
    const char *key = at + 1, *key_end = end_of_value(at, end);
    if (key_end == NULL || key_end >= end || *key_end != ':') return false;
    const char *start = key_end + 1, *stop = end_of_value(start, end);
    if (stop == NULL) return false;
    if ((size_t)(key_end - 1 - key) == strlen(name) && memcmp(key, name, strlen(name)) == 0) {
      *value = (part){start, (size_t)(stop - start)};
      return true;
    }
    at = *stop == ',' ? stop + 1 : end;
  }
  return false;
}

static uint64_t number_of(part object, const char *name) {
  part value;
  return value_of(object, name, &value) ? strtoull(value.start, NULL, 10) : 0;
}

static void write_base64(const uint8_t *bytes, size_t length) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t at = 0; at < length; at += 3) {
    size_t left = length - at;
    uint32_t three = (uint32_t)bytes[at] << 16 | (left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0) |
                     (left > 2 ? bytes[at + 2] : 0);
    for (size_t letter = 0; letter < (left > 2 ? 4 : left + 1); letter++)
      putchar(letters[three >> (18 - 6 * letter) & 63]);
  }
}

/* Writes JSON with the bytes beside it put into it. A quote inside of a string is escaped, so this finds no string. */
static void write_json(const connectoid_message *message) {
  static const char marker[] = "\"$bytes\":[";
  const char *at = message->json, *end = message->json + message->json_length;
  bool used = false;
  for (const char *found; (found = strstr(at, marker)) != NULL;) {
    char *rest;
    size_t offset = strtoull(found + strlen(marker), &rest, 10);
    size_t length = strtoull(rest + 1, &rest, 10);
    fwrite(at, 1, (size_t)(found - at), stdout);
    fputs("\"$bytes\":\"", stdout);
    write_base64(message->bytes + offset, length);
    putchar('"');
    at = rest + 1;
    used = true;
  }
  if (used || message->bytes_length == 0) {
    fwrite(at, 1, (size_t)(end - at), stdout);
    return;
  }
  fwrite(at, 1, (size_t)(end - at) - 1, stdout);
  fputs(",\"data\":\"", stdout);
  write_base64(message->bytes, message->bytes_length);
  fputs("\"}", stdout);
}

/* Calls have the ids that the actor was told, so answers need no table. */
static void on_message(void *user_data, connectoid_message *message) {
  (void)user_data;
  flockfile(stdout);
  switch (message->kind) {
    case CONNECTOID_KIND_EVENT:
      fputs("{\"event\":", stdout);
      break;
    case CONNECTOID_KIND_PAGE:
      printf("{\"id\":%llu,\"page\":", (unsigned long long)message->id);
      break;
    case CONNECTOID_KIND_REPLY:
      printf("{\"id\":%llu,\"reply\":", (unsigned long long)message->id);
      break;
    case CONNECTOID_KIND_FAILURE:
      printf("{\"id\":%llu,\"error\":", (unsigned long long)message->id);
      break;
    default:
      die("a message of an unknown kind");
  }
  write_json(message);
  puts("}");
  fflush(stdout);
  funlockfile(stdout);
  connectoid_free(message);
}

static void done(uint64_t id) {
  printf("{\"id\":%llu,\"reply\":{\"reply\":\"done\"}}\n", (unsigned long long)id);
  fflush(stdout);
}

int main(void) {
  connectoid_node node = 0;
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  while ((length = getline(&line, &capacity, stdin)) > 0) {
    part order = {line, (size_t)length}, content;
    uint64_t id = number_of(order, "id");
    connectoid_status status = CONNECTOID_STATUS_OK;
    if (value_of(order, "open", &content)) {
      if (node != 0) connectoid_release(node);
      node = connectoid_open(id, content.start, content.length, on_message, NULL);
      if (node == 0) die("the settings were not taken");
    } else if (value_of(order, "call", &content)) {
      status = connectoid_call(node, id, content.start, content.length, NULL, 0);
    } else if (value_of(order, "cancel", &content)) {
      status = connectoid_cancel(node, number_of(order, "cancel"));
      done(id);
    } else if (value_of(order, "close", &content)) {
      status = connectoid_close(node, id);
    } else {
      die("not understood");
    }
    if (status != CONNECTOID_STATUS_OK) die("not taken");
  }
  free(line);
  if (node != 0) connectoid_release(node);
  return 0;
}
