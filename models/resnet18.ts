/** ResNet-18: 11,689,512 parameters. */
import { resnet } from './families/resnet.js';

export default resnet('resnet18', [2, 2, 2, 2]);
