// Hooks that count their calls, in the shared words that workers have as their data.
import { hooksFrom } from './counting-hooks.ts';

export default hooksFrom(8);
