// What the addon exports: the methods of `Native` (ts/native/native.ts), which says what each does.
#pragma once

#include "javascript.h"

namespace tsrunc::addon {

// spawn.cc
Napi::Value spawn(const Napi::CallbackInfo& info);
Napi::Value image(const Napi::CallbackInfo& info);

// files.cc
Napi::Value memfd(const Napi::CallbackInfo& info);
Napi::Value map_file(const Napi::CallbackInfo& info);
Napi::Value read_latin1(const Napi::CallbackInfo& info);
Napi::Value latin1_bytes(const Napi::CallbackInfo& info);
Napi::Value file_system_type(const Napi::CallbackInfo& info);
Napi::Value make_pipe(const Napi::CallbackInfo& info);
Napi::Value try_lock(const Napi::CallbackInfo& info);
void close_fd(const Napi::CallbackInfo& info);

// paths.cc
Napi::Value open_file(const Napi::CallbackInfo& info);
Napi::Value read_text(const Napi::CallbackInfo& info);
Napi::Value read_bytes(const Napi::CallbackInfo& info);
void write_text(const Napi::CallbackInfo& info);
Napi::Value status_of_path(const Napi::CallbackInfo& info);
Napi::Value status_of_link(const Napi::CallbackInfo& info);
Napi::Value status_of_fd(const Napi::CallbackInfo& info);
Napi::Value path_exists(const Napi::CallbackInfo& info);
Napi::Value real_path(const Napi::CallbackInfo& info);
Napi::Value list_directory(const Napi::CallbackInfo& info);
void make_directory(const Napi::CallbackInfo& info);
void remove_directory(const Napi::CallbackInfo& info);
void remove_file(const Napi::CallbackInfo& info);
void rename_file(const Napi::CallbackInfo& info);

// sockets.cc
Napi::Value socket_pair(const Napi::CallbackInfo& info);
Napi::Value listen_at(const Napi::CallbackInfo& info);
Napi::Value bind_datagram(const Napi::CallbackInfo& info);
Napi::Value connect_to(const Napi::CallbackInfo& info);
Napi::Value accept_next(const Napi::CallbackInfo& info);

// messages.cc
void send_message(const Napi::CallbackInfo& info);
Napi::Value receive_message(const Napi::CallbackInfo& info);

// pidfd.cc
Napi::Value open_pidfd(const Napi::CallbackInfo& info);
void signal_pidfd(const Napi::CallbackInfo& info);
Napi::Value wait_exit(const Napi::CallbackInfo& info);
void hold_loop(const Napi::CallbackInfo& info);
void reap_others(const Napi::CallbackInfo& info);
Napi::Value wait_gone(const Napi::CallbackInfo& info);

// process.cc
void exit_now(const Napi::CallbackInfo& info);
Napi::Value utc_time(const Napi::CallbackInfo& info);
Napi::Value kernel_release(const Napi::CallbackInfo& info);
void set_subreaper(const Napi::CallbackInfo& info);
Napi::Value get_resource_limit(const Napi::CallbackInfo& info);

// terminal.cc
Napi::Value window_size(const Napi::CallbackInfo& info);
void set_window_size(const Napi::CallbackInfo& info);
void pass_output(const Napi::CallbackInfo& info);

// network.cc
Napi::Value route_socket(const Napi::CallbackInfo& info);

// seccomp.cc
Napi::Value compile_seccomp(const Napi::CallbackInfo& info);
Napi::Value seccomp_compiler(const Napi::CallbackInfo& info);
Napi::Value sha256_of(const Napi::CallbackInfo& info);

// notices.cc
Napi::Value make_eventfd(const Napi::CallbackInfo& info);
Napi::Value wait_count(const Napi::CallbackInfo& info);
Napi::Value wait_stall(const Napi::CallbackInfo& info);

// systemd.cc
Napi::Value call_systemd(const Napi::CallbackInfo& info);
Napi::Value systemd_property(const Napi::CallbackInfo& info);

// bpf.cc
void attach_device_program(const Napi::CallbackInfo& info);

}  // namespace tsrunc::addon
