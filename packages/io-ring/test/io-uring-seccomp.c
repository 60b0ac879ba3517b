/*
 * Runs a command in which a system call of io_uring answers the given errno: what container runtimes do to their containers by a seccomp filter.
 *   io-uring-seccomp setup|register|all ERRNO COMMAND [ARGUMENT …]
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int all = strcmp(argv[1], "all") == 0;
  unsigned refused = SECCOMP_RET_ERRNO | ((unsigned)atoi(argv[2]) & SECCOMP_RET_DATA);
  const struct {
    const char *name;
    unsigned number;
  } calls[] = {{"setup", __NR_io_uring_setup}, {"register", __NR_io_uring_register}};
  struct sock_filter code[6] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short length = 1;
  for (int i = 0; i < 2; i++)
    if (all || strcmp(argv[1], calls[i].name) == 0) {
      code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
      code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refused);
    }
  code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = length, .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("seccomp");
    return 3;
  }
  execvp(argv[3], argv + 3);
  perror(argv[3]);
  return 4;
}
