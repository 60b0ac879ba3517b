/*
 * Runs a command in which some system calls answer ERRNO and do nothing, as the seccomp filters of containers have it; with 0 they say that they did it.
 * The name `thp` stands for no call: huge pages are off for the process.
 *   memory-filter ERRNO NAME[,NAME…] COMMAND [ARGUMENT …]
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
  const char *name;
  long number;
} CALLS[] = {
    {"mbind", SYS_mbind},       {"get_mempolicy", SYS_get_mempolicy}, {"move_pages", SYS_move_pages},
    {"mlock", SYS_mlock},       {"munlock", SYS_munlock},
};

static int filter(const char *name, unsigned answer) {
  if (strcmp(name, "thp") == 0) return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  for (size_t index = 0; index < sizeof CALLS / sizeof CALLS[0]; index++) {
    if (strcmp(name, CALLS[index].name) != 0) continue;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[index].number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (answer & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  }
  return -1;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 3;
  for (char *name = strtok(argv[2], ","); name != NULL; name = strtok(NULL, ",")) {
    if (filter(name, (unsigned)atoi(argv[1])) == 0) continue;
    perror(name);
    return 3;
  }
  execvp(argv[3], argv + 3);
  perror(argv[3]);
  return 4;
}
