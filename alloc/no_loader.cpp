// What libraries of a static build name of the loader and of the C library's name service, and masu never
// calls.
//
// A static binary has no loader of its own: dlopen and what stands on it (getaddrinfo with its NSS modules)
// would need shared libraries of exactly the C library it was built with. Names are looked up with c-ares; a
// module of OpenSSL or a jemalloc thread is not wanted. So these fail as their manual pages say they may, and
// the code behind them is not linked.
#include <cerrno>
#include <cstdlib>

#include <dlfcn.h>
#include <netdb.h>

extern "C" {

void* dlopen(const char*, int) noexcept { return nullptr; }
void* dlsym(void*, const char*) noexcept { return nullptr; }
int dlclose(void*) noexcept { return -1; }
int dladdr(const void*, Dl_info*) noexcept { return 0; }
char* dlerror() noexcept {
  static char text[] = "a static binary loads nothing";
  return text;
}

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_FAIL; }
void freeaddrinfo(addrinfo*) noexcept {}
int getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int) { return EAI_FAIL; }
const char* gai_strerror(int) noexcept { return "names are not looked up here"; }
hostent* gethostbyname(const char*) {
  h_errno = NO_RECOVERY;
  return nullptr;
}
servent* getservbyname(const char*, const char*) { return nullptr; }
int getservbyport_r(int, const char*, servent*, char*, size_t, servent** result) {
  *result = nullptr;
  return ENOENT;
}

// The C library's preparation for the first object that it loads; its own name for dlopen hangs on it.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
void __rtld_static_init(void*) { abort(); }

}  // extern "C"
