#include "find_node.h"

#include <errno.h>

#include "complaint.h"
#include "environment.h"

namespace tsrunc {
namespace {

constexpr const char* kUsualPlaces[] = {"/usr/local/bin/node", "/usr/bin/node", "/bin/node",
                                        "/opt/node/bin/node", "/usr/lib/nodejs/bin/node"};

/** Tries one Node after the other; remembers why the first that is there couldn't be executed. */
class Search {
 public:
  Search(const char** args, const char* const* environment)
      : args_(args), environment_(environment) {}

  void attempt(const PathText& path) {
    if (path.overflowed()) return;
    args_[0] = path.get();
    const long result = sys(SYS_execve, path.get(), args_, environment_);
    // The same for every Node.
    if (result == -E2BIG) end_because("start Node.js", E2BIG, "pass less to tsrunc");
    if (result == -ENOENT || result == -ENOTDIR || why_ != 0) return;
    why_ = -result;
    where_ = path;
  }

  [[nodiscard]] long why() const { return why_; }
  [[nodiscard]] const PathText& where() const { return where_; }

 private:
  const char** args_;
  const char* const* environment_;
  long why_ = 0;
  PathText where_;
};

/** `npm install --global` puts the package into PREFIX/lib/node_modules, and Node is
 * PREFIX/bin/node. */
void attempt_prefix(const char* root, Search& search) {
  constexpr const char* kPlace = "/lib/node_modules/";
  const size_t size = length(root);
  for (size_t at = 0; at < size; ++at) {
    if (!starts_with(root + at, kPlace)) continue;
    // Nothing deeper: a dependency's folder is not where a prefix begins.
    if (find(root + at + length(kPlace), '/') != nullptr) continue;
    PathText path;
    path.add(root, at).add("/bin/node");
    search.attempt(path);
  }
}

/** Absolute folders only: a relative one is whatever lies in the working directory. */
void attempt_path(const char* folders, Search& search) {
  while (folders != nullptr && *folders != 0) {
    const char* const colon = find(folders, ':');
    const size_t size = colon == nullptr ? length(folders) : static_cast<size_t>(colon - folders);
    if (*folders == '/') {
      PathText path;
      path.add(folders, size).add("/node");
      search.attempt(path);
    }
    folders = colon == nullptr ? nullptr : colon + 1;
  }
}

}  // namespace

void execute_node(const char* root, char* const* callers, const char** args,
                  const char* const* environment) {
  Search search(args, environment);
  PathText recorded;
  recorded.add(root).add("/dist/node");
  search.attempt(recorded);
  attempt_prefix(root, search);
  const bool is_root = sys(SYS_geteuid) == 0;
  if (!is_root) attempt_path(variable(callers, "PATH="), search);
  for (const char* place : kUsualPlaces) {
    PathText path;
    search.attempt(path.add(place));
  }
  if (search.why() != 0)
    end_because("start Node.js, ", search.where().get(), search.why(), "make it executable");
  Text<16384> sentence;
  sentence.add("tsrunc: could not find Node.js: neither ").add(recorded.get());
  sentence.add(" nor /usr/local/bin/node nor /usr/bin/node is there");
  if (is_root) sentence.add(", and root's PATH isn't searched");
  sentence.add(": make the first one a link to the Node.js that is to run tsrunc");
  end_with(sentence);
}

}  // namespace tsrunc
