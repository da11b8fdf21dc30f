#include "../init/resolve.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "check.h"

namespace tsrunc {
namespace {

namespace fs = std::filesystem;

/** A directory that holds a container's root and, beside it, the host's. */
class Tree {
 public:
  Tree() {
    std::string folder = (fs::temp_directory_path() / "resolve-XXXXXX").string();
    top_ = mkdtemp(folder.data());
    fs::create_directories(root() / "dir/sub");
    fs::create_directories(host() / "victim");
    std::ofstream(root() / "file") << "inside";
    std::ofstream(host() / "secret") << "outside";
    root_fd_.reset(open(root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    host_before_ = listing(host());
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() {
    if (listing(host()) != host_before_) test::fail(__FILE__, __LINE__, "the host was changed");
    fs::remove_all(top_);
  }

  [[nodiscard]] int fd() const { return root_fd_.get(); }
  [[nodiscard]] fs::path root() const { return top_ / "root"; }
  [[nodiscard]] fs::path host() const { return top_ / "host"; }
  void link(const char* name, const std::string& text) const {
    fs::create_symlink(text, root() / name);
  }

  /** Where a descriptor leads to, from the container's root; the whole path if it isn't in there.
   */
  [[nodiscard]] std::string place(const UniqueFd& fd) const {
    const std::string path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd.get()));
    const std::string prefix = root().string();
    if (path == prefix) return "/";
    return path.starts_with(prefix + "/") ? path.substr(prefix.size()) : path;
  }
  [[nodiscard]] std::string opened(const char* path) const {
    auto result = open_in_root(fd(), path);
    return result.ok() ? place(result.value()) : "errno " + std::to_string(result.error().number);
  }
  [[nodiscard]] std::string made(const char* path, Missing leaf) const {
    auto result = make_in_root(fd(), path, leaf);
    return result.ok() ? place(result.value()) : "errno " + std::to_string(result.error().number);
  }

 private:
  static std::string listing(const fs::path& folder) {
    std::string all;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      all += entry.path().string() + "\n";
    return all;
  }
  fs::path top_;
  UniqueFd root_fd_;
  std::string host_before_;
};

std::string error_of(int number) { return "errno " + std::to_string(number); }

TEST(paths_begin_at_the_root_with_or_without_a_slash) {
  const Tree tree;
  CHECK_EQUAL(tree.opened("/dir/sub"), std::string("/dir/sub"));
  CHECK_EQUAL(tree.opened("dir/sub/"), std::string("/dir/sub"));
  CHECK_EQUAL(tree.opened("//dir/./sub/../sub"), std::string("/dir/sub"));
  CHECK_EQUAL(tree.opened(""), std::string("/"));
  CHECK_EQUAL(tree.opened("/"), std::string("/"));
  CHECK_EQUAL(tree.opened("/none"), error_of(ENOENT));
}

TEST(dots_do_not_lead_out) {
  const Tree tree;
  CHECK_EQUAL(tree.opened("/../../../dir"), std::string("/dir"));
  CHECK_EQUAL(tree.opened("../host/secret"), error_of(ENOENT));
  CHECK_EQUAL(tree.made("/../../a/../../b", Missing::Directory), std::string("/b"));
  CHECK(fs::is_directory(tree.root() / "b"));
}

TEST(links_are_followed_inside_the_root) {
  const Tree tree;
  tree.link("absolute", "/dir/sub");
  tree.link("out", "../../../../../../../../dir");
  tree.link("host", tree.host().string());
  CHECK_EQUAL(tree.opened("/absolute"), std::string("/dir/sub"));
  CHECK_EQUAL(tree.opened("/out/sub"), std::string("/dir/sub"));
  CHECK_EQUAL(tree.opened("/host/secret"), error_of(ENOENT));
}

TEST(what_is_missing_is_made) {
  const Tree tree;
  CHECK_EQUAL(tree.made("/a/b/c", Missing::Directory), std::string("/a/b/c"));
  CHECK_EQUAL(tree.made("/a/b/file", Missing::File), std::string("/a/b/file"));
  CHECK(fs::is_directory(tree.root() / "a/b/c"));
  CHECK(fs::is_regular_file(tree.root() / "a/b/file"));
  // What is there is taken as it is, whatever was asked for.
  CHECK_EQUAL(tree.made("/file", Missing::Directory), std::string("/file"));
  CHECK_EQUAL(tree.made("/dir", Missing::File), std::string("/dir"));
}

TEST(dangling_links_are_made_inside_the_root) {
  const Tree tree;
  tree.link("absolute", "/new/by/absolute");
  tree.link("relative", "dir/../new/by/relative");
  tree.link("dir/escape", "../../../host/new");
  tree.link("victim", tree.host().string() + "/victim/new");
  CHECK_EQUAL(tree.made("/absolute", Missing::Directory), std::string("/new/by/absolute"));
  CHECK_EQUAL(tree.made("/relative/more", Missing::File), std::string("/new/by/relative/more"));
  CHECK_EQUAL(tree.made("/dir/escape/x", Missing::Directory), std::string("/host/new/x"));
  CHECK_EQUAL(tree.made("/victim", Missing::File), tree.host().string() + "/victim/new");
  CHECK(fs::is_regular_file(tree.root().string() + tree.host().string() + "/victim/new"));
}

TEST(links_to_links_are_followed_to_their_end) {
  const Tree tree;
  tree.link("one", "two");
  tree.link("two", "/dir/three");
  tree.link("dir/three", "sub/../new");
  CHECK_EQUAL(tree.made("/one/x", Missing::Directory), std::string("/dir/new/x"));
}

TEST(loops_end) {
  const Tree tree;
  tree.link("self", "self");
  tree.link("ping", "pong");
  tree.link("pong", "/ping");
  tree.link("growing", "growing/x");
  for (const char* path : {"/self", "/ping", "/growing", "/self/x", "/dir/../ping/x"}) {
    CHECK_EQUAL(tree.opened(path), error_of(ELOOP));
    CHECK_EQUAL(tree.made(path, Missing::Directory), error_of(ELOOP));
  }
}

TEST(a_file_in_the_way_is_an_error) {
  const Tree tree;
  CHECK_EQUAL(tree.made("/file/x", Missing::Directory), error_of(ENOTDIR));
  CHECK_EQUAL(tree.made("/file/x", Missing::File), error_of(ENOTDIR));
  tree.link("to-file", "/file");
  CHECK_EQUAL(tree.made("/to-file/x/y", Missing::Directory), error_of(ENOTDIR));
}

TEST(names_and_paths_that_are_too_long_are_errors) {
  const Tree tree;
  CHECK_EQUAL(tree.made(std::string(256, 'n').c_str(), Missing::Directory), error_of(ENAMETOOLONG));
  std::string deep;
  while (deep.size() < 5000) deep += "/d";
  CHECK_EQUAL(tree.made(deep.c_str(), Missing::Directory), error_of(ENAMETOOLONG));
  // Links that make it so only on the way.
  tree.link("long", std::string(4000, '/') + "missing");
  const std::string behind = "/long" + std::string(200, '/') + "x";
  CHECK_EQUAL(tree.made(behind.c_str(), Missing::Directory), error_of(ENAMETOOLONG));
}

TEST(magic_links_are_not_followed) {
  const Tree tree;
  const UniqueFd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  CHECK_EQUAL(open_in_root(proc.get(), "/self/root").error().number, ELOOP);
  CHECK_EQUAL(open_in_root(proc.get(), "/self/cwd/x").error().number, ELOOP);
  CHECK(!make_in_root(proc.get(), "/self/root/x", Missing::Directory).ok());
}

TEST(a_caller_may_refuse_all_links) {
  const Tree tree;
  tree.link("link", "dir");
  CHECK(open_in_root(tree.fd(), "/dir", O_PATH, RESOLVE_NO_SYMLINKS).ok());
  CHECK_EQUAL(open_in_root(tree.fd(), "/link", O_PATH, RESOLVE_NO_SYMLINKS).error().number, ELOOP);
  CHECK_EQUAL(
      make_in_root(tree.fd(), "/link/x", Missing::Directory, RESOLVE_NO_SYMLINKS).error().number,
      ELOOP);
}

TEST(descriptors_are_close_on_exec) {
  const Tree tree;
  auto opened = open_in_root(tree.fd(), "/dir");
  auto made = make_in_root(tree.fd(), "/new", Missing::File);
  CHECK_EQUAL(fcntl(opened.value().get(), F_GETFD), FD_CLOEXEC);
  CHECK_EQUAL(fcntl(made.value().get(), F_GETFD), FD_CLOEXEC);
}

TEST(the_place_of_a_node_is_its_directory_and_its_name) {
  const Tree tree;
  tree.link("dev", "/real/dev");
  auto place = make_place(tree.fd(), "/dev/null");
  REQUIRE(place.ok());
  CHECK_EQUAL(tree.place(place.value().directory), std::string("/real/dev"));
  CHECK_EQUAL(place.value().name, "null");
  auto top = make_place(tree.fd(), "name");
  REQUIRE(top.ok());
  CHECK_EQUAL(tree.place(top.value().directory), std::string("/"));
  for (const char* path : {"", "/", "/dev/", "/dev/..", "/dev/.", ".", ".."}) {
    const auto refused = make_place(tree.fd(), path);
    REQUIRE(!refused.ok());
    CHECK_EQUAL(refused.error().number, EINVAL);
  }
  CHECK(!make_place(tree.fd(), "/file/null").ok());
}

TEST(an_error_names_the_path_that_was_asked_for) {
  const Tree tree;
  const char* path = "/file/null";
  CHECK(make_place(tree.fd(), path).error().path == path);
  CHECK(make_in_root(tree.fd(), path, Missing::Directory).error().path == path);
}

}  // namespace
}  // namespace tsrunc
