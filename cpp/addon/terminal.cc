// The size and the mode of terminals.
#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "../core/syscall.h"
#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace tsrunc::addon {

Napi::Value window_size(const Napi::CallbackInfo& info) {
  winsize size{};
  checked(info.Env(), sys(SYS_ioctl, to_fd(info[0]), TIOCGWINSZ, &size), "ioctl");
  Napi::Object result = Napi::Object::New(info.Env());
  result["width"] = Napi::Number::New(info.Env(), size.ws_col);
  result["height"] = Napi::Number::New(info.Env(), size.ws_row);
  return result;
}

void set_window_size(const Napi::CallbackInfo& info) {
  const int fd = to_fd(info[0]);
  const Napi::Object wanted = to_object(info[1], "a terminal's size");
  winsize size{};
  size.ws_col =
      static_cast<uint16_t>(to_integer(wanted.Get("width"), "a terminal's width", 0, UINT16_MAX));
  size.ws_row =
      static_cast<uint16_t>(to_integer(wanted.Get("height"), "a terminal's height", 0, UINT16_MAX));
  checked(info.Env(), sys(SYS_ioctl, fd, TIOCSWINSZ, &size), "ioctl");
}

void pass_output(const Napi::CallbackInfo& info) {
  const int fd = to_fd(info[0]);
  termios mode{};
  if (tcgetattr(fd, &mode) != 0) throw system_error(info.Env(), errno, "tcgetattr");
  mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  if (tcsetattr(fd, TCSANOW, &mode) != 0) throw system_error(info.Env(), errno, "tcsetattr");
}

}  // namespace tsrunc::addon
