#pragma once

// Of <sched.h>, which shows them to _GNU_SOURCE alone; Swift's view of the C library is without it.
extern int unshare(int kinds);
extern int setns(int fd, int kind);
enum { cns_network = 0x40000000 };  // CLONE_NEWNET
