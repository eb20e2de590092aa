// Stands in for malloc in a program it is linked to, and counts what threads of one name ask for.
#pragma once

// Calls of malloc, calloc, realloc and aligned_alloc on threads whose name begins with "egret-relay".
long allocation_count(void);
