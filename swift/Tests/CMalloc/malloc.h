/* What Swift's module of the C library leaves out: how much memory is in use. */
#include_next <malloc.h>
