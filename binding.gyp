# The native build. cpp/sources.txt is the one list of sources; CMakeLists.txt reads it too.
{
  'targets': [
    {
      # The program that becomes the container: no libc, so that it is small, starts at once, and
      # owes nothing to the host it runs on.
      'target_name': 'init',
      'type': 'executable',
      'sources': ['<!@(grep -E "^cpp/(core|init)/" cpp/sources.txt)'],
      'includes': ['cpp/freestanding.gypi'],
    },
    {
      # The command: finds Node and executes it.
      'target_name': 'launcher',
      'product_name': 'tsrunc',
      'type': 'executable',
      'sources': ['<!@(grep -E "^cpp/(core|launcher)/|^cpp/init/start.cc" cpp/sources.txt)'],
      'includes': ['cpp/freestanding.gypi'],
    },
    {
      'target_name': 'tsrunc',
      'dependencies': [
        'init',
        '<!(node -p "require(\'node-addon-api\').targets"):node_addon_api_except',
      ],
      'sources': ['<!@(grep -E "^cpp/(core|addon)/" cpp/sources.txt)'],
      'defines': ['NAPI_VERSION=8'],
      'cflags!': ['-O3'],
      'cflags': [
        '-O2',
        # GCC 12 takes std::string's operator+ for an overlapping copy (GCC bug 105651).
        '-Wno-restrict',
        '-fvisibility=hidden',
        '-fstack-protector-strong',
        '-U_FORTIFY_SOURCE',
        '-D_FORTIFY_SOURCE=2',
        '-ffunction-sections',
        '-fdata-sections',
        '-DTSRUNC_INIT_PATH="<(PRODUCT_DIR)/init"',
      ],
      'cflags_cc': ['-std=c++20'],
      'ldflags!': ['-rdynamic'],
      # A prebuilt addon must load on any host: only libc is taken from there.
      'libraries': ['-l:libseccomp.a'],
      'ldflags': [
        '-static-libstdc++',
        '-static-libgcc',
        '-Wl,--exclude-libs,ALL',
        '-Wl,--version-script=<(module_root_dir)/cpp/exports.map',
        '-Wl,--gc-sections',
        # Filters that were kept compiled are told from those of another build by it.
        '-Wl,--build-id=sha1',
        '-Wl,-z,relro,-z,now,-z,noexecstack',
        # A child that has not yet become init runs its code: the end of a worker must not unload it.
        '-Wl,-z,nodelete',
      ],
      # make doesn't see .incbin. A fresh copy of embed.S for each init makes it see a new source.
      'actions': [
        {
          'action_name': 'embed',
          'inputs': ['cpp/addon/embed.S', '<(PRODUCT_DIR)/init'],
          'outputs': ['<(INTERMEDIATE_DIR)/embed.S'],
          'action': ['cp', 'cpp/addon/embed.S', '<(INTERMEDIATE_DIR)/embed.S'],
          'process_outputs_as_sources': 1,
        },
      ],
    },
  ],
}
