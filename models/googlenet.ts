/** GoogLeNet: 6,998,552 parameters. */
import { googlenet } from './families/googlenet.js';

export default googlenet();
