// At its end, a program that requires this says on stdout which of Node's own modules were loaded.
process.once('exit', () => {
  require('node:fs').writeSync(1, `LOADED${process.moduleLoadList.join()}`);
});
