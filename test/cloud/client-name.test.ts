import { describe, expect, test } from 'vitest';
import { clientName } from '../../src/cloud/client-name.js';

/** Headers as Node gives them: each byte a character. */
const asSent = (text: string) => Buffer.from(text).toString('latin1');

describe('client-requirements R34 — an app password has the name of the program that it is for', () => {
  test.each([
    [
      'Mozilla/5.0 (Linux) mirall/3.7.3-1+deb12u1 (Nextcloud, debian-6.1.0-18-amd64 ClientArchitecture: x86_64 OsArchitecture: x86_64)',
      'Nextcloud desktop 3.7.3 on Linux',
    ],
    [
      'Mozilla/5.0 (Windows) mirall/3.15.3 (build 20250107) (Nextcloud, windows-10.0.22631 ClientArchitecture: x86_64 OsArchitecture: x86_64)',
      'Nextcloud desktop 3.15.3 on Windows',
    ],
    ['Mozilla/5.0 (Macintosh) mirall/3.16.6git (Nextcloud, osx-24.5.0)', 'Nextcloud desktop 3.16.6 on Macintosh'],
    ['Mozilla/5.0 (Linux) mirall/2.11.0.8354 (ownCloud, debian-6.1.0)', 'ownCloud desktop 2.11.0.8354 on Linux'],
    ['Mozilla/5.0 (Android) Nextcloud-android/3.29.1', 'Nextcloud Android 3.29.1'],
    ['Mozilla/5.0 (Android) ownCloud-android/4.5.1', 'ownCloud Android 4.5.1'],
    ['Mozilla/5.0 (iOS) Nextcloud-iOS/6.2.0', 'Nextcloud iOS 6.2.0'],
    ['ownCloudApp/12.3.1 (App/290; iOS/17.5; iPhone)', 'ownCloud iOS 12.3.1'],
    [asSent('Jürgens iPhone (Nextcloud iOS)'), 'Jürgens iPhone (Nextcloud iOS)'],
    ['DAVx5/4.4.3-ose (dav4jvm; okhttp/4.12.0) Android/14', 'DAVx5/4.4.3-ose (dav4jvm; okhttp/4.12.0) Android/14'],
    ['rclone/v1.60.1', 'rclone/v1.60.1'],
  ])('%s', (userAgent, name) => expect(clientName(userAgent)).toBe(name));

  test.each([
    [undefined, 'An app'],
    ['', 'An app'],
    [' \t ', 'An app'],
    ['a\u0007b\u0085c\u00add', 'a b c d'],
    [asSent('a\u202eb\u200bc\u2066d'), 'a b c d'],
    ['caf\xe9', 'café'],
  ])('what a list can’t show is left out: %j', (userAgent, name) => expect(clientName(userAgent)).toBe(name));

  test('it is short, and no character is cut in two', () => {
    expect(clientName('x'.repeat(90_000))).toBe('x'.repeat(64));
    expect(clientName(asSent('😀'.repeat(100)))).toBe('😀'.repeat(64));
  });

  test('a header of the largest size that is made to be slow to read takes no time', () => {
    const startedAt = performance.now();
    clientName('(a)'.repeat(32_000));
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});
