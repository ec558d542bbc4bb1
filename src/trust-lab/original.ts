// SPDX-License-Identifier: Apache-2.0
/**
 * What the original program itself wrote: commands that its own test made (ruqqq/ddt 1116f0b, commands_test.go), with
 * the key of that test. Nothing here is made by ctga.
 */

export const USER = 'TestUser';
export const NAME = 'TestUser/TestImage:TestTag';

const name = (text: string): string =>
  `${text.length.toString(16).padStart(2, '0')}000000${Buffer.from(text).toString('hex')}`;

export const PUBLIC_KEY = '023f00e77837b341841f587385594951d65179364c2d435d44457df19797012975';

/** Table 9: of a registration it is all, for the original signs none. */
export const REGISTER_ROOT_KEY = `00${name(USER)}${PUBLIC_KEY}`;

/** Table 10, as its NewKeyCommandFromKeyRequest made it. */
export const REGISTER_KEY = [
  '02',
  name(USER),
  PUBLIC_KEY,
  name('TestImage'),
  '00',
  '785c8dc1a6c0eec3a8ecf78d4c7bcd6f5f418dcf831a5a0cc92b8ee56ad92d52',
  'f44bfcde5a7c9708096bbf51403d2fca4d3e2fecede0bce714706b0c3758af54',
].join('');

/** The manifest's, and those of seven layers. */
export const DIGESTS = [
  'eed4da4937cb562e9005f3c66eb8c3abc14bb95ad497c03dc89d66bcd172fc7f',
  'b6ca02dfe5e62c58dacb1dec16eb42ed35761c15562485f9da9364bb7c90b9b3',
  'afbfb84fad8a4d9a9818efcb4f084bde4b14934c91a531ae344814a5191a2eb6',
  '41829a143bccc7bee3849353e1ce4358d4cf1c7481f236d8194ea36113bf73d9',
  '86726b2a83fc76e0eeabb1ae34b1a128e1bb41d1efc2242c0a39cd7b94ca2b98',
  '5b0e63da2fb4bc9917bb6d00046cc7db229c15649cabe61439a6b2c0f01c5bf9',
  'c418a51fc08117c4b436d1c4317dc4c567f1874abb9d7297b8d794ce3ac59407',
  'eae6e471b603f3df6028a2a932a211707ce4032ab223e352b82ef62821d30a4c',
].map((each) => `sha256:${each}`);

const SIGNATURE =
  '56785390ffc9594f1ee9e5e2d098d03bad68ae7361b24a3949fde8554e7e281b5dd8fd1c5f6446ee1406ad7be019d8895ff18e04be21514a12522cdc533f3bf5';

/** Table 11, with any digests behind the same signature, which covers none of them. */
export function registerMetadata(digests: readonly string[] = DIGESTS): string {
  return [
    '04',
    name(USER),
    name('TestImage'),
    name('TestTag'),
    '00',
    `${digests.length.toString(16).padStart(2, '0')}000000`,
    ...digests.map((each) => `06${Buffer.from('sha256').toString('hex')}20${each.slice(7)}`),
    SIGNATURE,
  ].join('');
}
