/**
 * The serial ports of this machine.
 */
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export interface PortInfo {
  readonly path: string;
  /** USB vendor and product, four lower-case hex digits, where the port is a USB device. */
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly serialNumber?: string | undefined;
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Reads what the kernel says about a port: its USB device is some folders above the tty's. */
function fromSys(root: string, name: string): PortInfo {
  const path = `/dev/${name}`;
  const read = (dir: string, file: string): string | undefined =>
    existsSync(join(dir, file)) ? readFileSync(join(dir, file), 'utf8').trim() : undefined;
  let dir = realpathSync(join(root, name, 'device'));
  while (dir !== '/' && !existsSync(join(dir, 'idVendor'))) dir = dirname(dir);
  return {
    path,
    vendorId: read(dir, 'idVendor'),
    productId: read(dir, 'idProduct'),
    manufacturer: read(dir, 'manufacturer'),
    serialNumber: read(dir, 'serial'),
  };
}

/**
 * Ports as the kernel lists them, for machines without udevadm (on which SerialPort.list() dies of
 * an error that cannot be caught).
 *
 * @param root another folder than /sys/class/tty, for tests
 */
export function listSysPorts(root = '/sys/class/tty'): PortInfo[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => /^(tty(S|WCH|ACM|USB|AMA|MFD|O|XRUSB)|rfcomm)/.test(name))
    .filter((name) => existsSync(join(root, name, 'device')))
    .sort()
    .map((name) => fromSys(root, name));
}

/** The machine's serial ports, those that are plugged in over USB first. */
export async function listPorts(): Promise<PortInfo[]> {
  const viaSys = process.platform === 'linux' && !onPath('udevadm');
  const found: readonly PortInfo[] = viaSys
    ? listSysPorts()
    : await (await import('serialport')).SerialPort.list();
  const ports = found.map(({ path, vendorId, productId, manufacturer, serialNumber }) => ({
    path,
    vendorId: vendorId?.toLowerCase(),
    productId: productId?.toLowerCase(),
    manufacturer,
    serialNumber,
  }));
  const rank = ({ vendorId }: PortInfo): number => (vendorId === undefined ? 1 : 0);
  return ports.sort((a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path));
}
