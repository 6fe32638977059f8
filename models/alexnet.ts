/**
 * AlexNet: 61,100,840 parameters, as in torchvision. The network of 2012 with its two halves joined,
 * 96 filters of 11 x 11 first, has 62,378,344.
 */
import { alexnet } from './families/alexnet.js';

export default alexnet();
