// The addon's entry point: once for each JavaScript environment (main thread or worker).
#include <memory>

#include "functions.h"
#include "waits.h"

namespace tsrunc::addon {
namespace {

template <auto function>
void define(Napi::Object& exports, const char* name) {
  exports.Set(name, Napi::Function::New<function>(exports.Env(), name));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto waits = std::make_unique<Waits>(env);
  waits->watch_teardown();
  env.SetInstanceData(waits.release());

  define<spawn>(exports, "spawn");
  define<image>(exports, "image");
  define<memfd>(exports, "memfd");
  define<socket_pair>(exports, "socketPair");
  define<map_file>(exports, "mapFile");
  define<read_latin1>(exports, "readLatin1");
  define<latin1_bytes>(exports, "latin1Bytes");
  define<file_system_type>(exports, "fileSystemType");
  define<open_file>(exports, "open");
  define<read_text>(exports, "readText");
  define<read_bytes>(exports, "readBytes");
  define<write_text>(exports, "write");
  define<status_of_path>(exports, "stat");
  define<status_of_link>(exports, "lstat");
  define<status_of_fd>(exports, "fstat");
  define<path_exists>(exports, "exists");
  define<real_path>(exports, "realpath");
  define<list_directory>(exports, "readdir");
  define<make_directory>(exports, "mkdir");
  define<remove_directory>(exports, "rmdir");
  define<remove_file>(exports, "unlink");
  define<rename_file>(exports, "rename");
  define<make_pipe>(exports, "pipe");
  define<listen_at>(exports, "listen");
  define<bind_datagram>(exports, "bindDatagram");
  define<connect_to>(exports, "connect");
  define<accept_next>(exports, "accept");
  define<send_message>(exports, "send");
  define<receive_message>(exports, "receive");
  define<open_pidfd>(exports, "openPidfd");
  define<signal_pidfd>(exports, "signal");
  define<wait_exit>(exports, "waitExit");
  define<wait_gone>(exports, "waitGone");
  define<hold_loop>(exports, "holdLoop");
  define<reap_others>(exports, "reapOthers");
  define<try_lock>(exports, "tryLock");
  define<exit_now>(exports, "exit");
  define<utc_time>(exports, "utcTime");
  define<kernel_release>(exports, "kernelRelease");
  define<set_subreaper>(exports, "setSubreaper");
  define<get_resource_limit>(exports, "getResourceLimit");
  define<window_size>(exports, "windowSize");
  define<set_window_size>(exports, "setWindowSize");
  define<pass_output>(exports, "passOutput");
  define<route_socket>(exports, "routeSocket");
  define<compile_seccomp>(exports, "compileSeccomp");
  define<seccomp_compiler>(exports, "seccompCompiler");
  define<sha256_of>(exports, "sha256");
  define<make_eventfd>(exports, "eventfd");
  define<wait_count>(exports, "waitCount");
  define<wait_stall>(exports, "waitStall");
  define<call_systemd>(exports, "callSystemd");
  define<systemd_property>(exports, "systemdProperty");
  define<attach_device_program>(exports, "attachDeviceProgram");
  define<close_fd>(exports, "close");
  return exports;
}

}  // namespace
}  // namespace tsrunc::addon

static Napi::Object tsrunc_register(Napi::Env env, Napi::Object exports) {
  return tsrunc::addon::init(env, exports);
}

NODE_API_MODULE(tsrunc, tsrunc_register)
