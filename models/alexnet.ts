/** AlexNet: 61,100,840 parameters. */
import { alexnet } from './families/alexnet.js';

export default alexnet();
