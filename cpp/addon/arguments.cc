#include "arguments.h"

#include <cmath>
#include <limits>

#include "errors.h"

namespace tsrunc::addon {

int64_t to_integer(Napi::Value value, const char* what, int64_t low, int64_t high) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(std::trunc(number) == number && number >= static_cast<double>(low) &&
        number <= static_cast<double>(high))) {
    throw argument_error(value.Env(), std::string(what) + " must be an integer from " +
                                          std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int64_t>(number);
}

uint32_t to_u32(Napi::Value value, const char* what) {
  return static_cast<uint32_t>(to_integer(value, what, 0, std::numeric_limits<uint32_t>::max()));
}

int to_fd(Napi::Value value) {
  return static_cast<int>(to_integer(value, "a descriptor", 0, std::numeric_limits<int>::max()));
}

std::vector<int> to_fds(Napi::Value value) {
  const Napi::Array array = to_array(value, "the descriptors");
  std::vector<int> fds(array.Length());
  for (uint32_t i = 0; i < fds.size(); ++i) fds[i] = to_fd(array[i]);
  return fds;
}

std::string to_text(Napi::Value value, const char* what) {
  if (!value.IsString()) throw argument_error(value.Env(), std::string(what) + " must be a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) {
    throw argument_error(value.Env(), std::string(what) + " must not contain a NUL");
  }
  return text;
}

std::vector<std::string> to_texts(Napi::Value value, const char* what) {
  const Napi::Array array = to_array(value, what);
  std::vector<std::string> texts(array.Length());
  for (uint32_t i = 0; i < texts.size(); ++i) texts[i] = to_text(array[i], what);
  return texts;
}

std::span<const uint8_t> to_bytes(Napi::Value value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw argument_error(value.Env(), "the bytes must be a Uint8Array");
  }
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ElementLength()};
}

uint64_t to_u64(Napi::Value value, const char* what) {
  bool lossless = false;
  const uint64_t number = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (!lossless)
    throw argument_error(value.Env(), std::string(what) + " must be a bigint from 0 to 2^64-1");
  return number;
}

Napi::Object to_object(Napi::Value value, const char* what) {
  if (!value.IsObject())
    throw argument_error(value.Env(), std::string(what) + " must be an object");
  return value.As<Napi::Object>();
}

Napi::Array to_array(Napi::Value value, const char* what) {
  if (!value.IsArray()) throw argument_error(value.Env(), std::string(what) + " must be an array");
  return value.As<Napi::Array>();
}

}  // namespace tsrunc::addon
