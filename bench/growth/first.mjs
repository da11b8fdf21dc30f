/** growth/first.mjs FOLDER BUNDLE: prints how long it takes from the import of the library to the end of its first container. */
import { library, timed } from './contenders.mjs';

const [folder = '', bundle = ''] = process.argv.slice(2);
console.log(await timed(async () => (await library(folder)).run('bench-first', bundle)));
