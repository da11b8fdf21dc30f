// In an init that is built with AddressSanitizer: what it leaves to the kernel at its end is no leak.
extern "C" const char *__asan_default_options() { return "detect_leaks=0:exitcode=86"; }
