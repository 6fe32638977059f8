/** VGG-16: 138,357,544 parameters. */
import { vgg } from './families/vgg.js';

export default vgg('vgg16', [2, 2, 3, 3, 3]);
