import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listPorts, listSysPorts } from '../../host/link/ports.js';
import { serialTransport } from '../../host/link/serial.js';

test('ports and their USB devices are read from /sys without udevadm', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'enn-sys-'));
  t.after(() => rmSync(root, { recursive: true }));
  const usb = join(root, 'devices/usb1/1-2');
  mkdirSync(join(usb, '1-2:1.0'), { recursive: true });
  const facts = { idVendor: '0d28', idProduct: '0204', manufacturer: 'ARM', serial: '9900' };
  for (const [name, text] of Object.entries(facts)) writeFileSync(join(usb, name), `${text}\n`);
  for (const name of ['ttyACM0', 'tty7', 'ttyS9'])
    mkdirSync(join(root, 'tty', name), { recursive: true });
  symlinkSync(join(usb, '1-2:1.0'), join(root, 'tty/ttyACM0/device'));
  assert.deepEqual(listSysPorts(join(root, 'tty')), [
    {
      path: '/dev/ttyACM0',
      vendorId: '0d28',
      productId: '0204',
      manufacturer: 'ARM',
      serialNumber: '9900',
    },
  ]);
  assert.deepEqual(listSysPorts(join(root, 'none')), []);
});

test('listing the ports of this machine works, whatever it has', async () => {
  assert.ok(Array.isArray(await listPorts()));
});

test('a port that does not exist is named, with exit code 7', async () => {
  await assert.rejects(serialTransport('/dev/ttyNone9'), {
    code: 7,
    message: 'Cannot open /dev/ttyNone9: there is no such port.',
  });
});
