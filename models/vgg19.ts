/** VGG-19: 143,667,240 parameters. */
import { vgg } from './families/vgg.js';

export default vgg('vgg19', [2, 2, 4, 4, 4]);
