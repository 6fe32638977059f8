/** ResNet-34: 21,797,672 parameters. */
import { resnet } from './families/resnet.js';

export default resnet('resnet34', [3, 4, 6, 3]);
