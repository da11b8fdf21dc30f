export { joinGroups, ResctrlPlan, removeGroups, writeSchemata } from './group.js';
export { resctrlRoot } from './mount.js';
