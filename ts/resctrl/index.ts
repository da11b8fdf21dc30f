export { joinGroups, ResctrlPlan, removeGroups } from './group.js';
export { resctrlRoot } from './mount.js';
