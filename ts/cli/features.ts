import { features } from '../lifecycle/features.js';
import type { Action } from './commands.js';
import { printJson } from './output.js';

export const action: Action<'features'> = async () => printJson(features());
