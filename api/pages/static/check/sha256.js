// SHA-256 (FIPS 180-4) at once and in place: for the nodes of a proof, which are hashed one after the other and are so
// short that asking WebCrypto, whose answer always comes later, takes many times as long as the hash.

const fraction = (number) => (number - Math.floor(number)) * 2 ** 32;
const PRIMES = Array.from({ length: 310 }, (_, at) => at + 2).filter((one) => {
  for (let by = 2; by * by <= one; by++) if (one % by === 0) return false;
  return true;
});
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUND = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));

/** The 32 bytes of the hash of bytes. */
export function sha256(raw) {
  const padded = new Uint8Array(((raw.length + 72) >> 6) << 6);
  padded.set(raw);
  padded[raw.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(raw.length / 2 ** 29));
  view.setUint32(padded.length - 4, raw.length << 3);
  const state = Int32Array.from(START);
  const words = new Int32Array(64);
  for (let at = 0; at < padded.length; at += 64) mix(state, words, view, at);
  const found = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => found.setInt32(4 * at, word));
  return new Uint8Array(found.buffer);
}

/** Mix the block at a place into the state. */
function mix(state, words, view, at) {
  for (let t = 0; t < 16; t++) words[t] = view.getInt32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const old = words[t - 15];
    const late = words[t - 2];
    const s0 = turned(old, 7) ^ turned(old, 18) ^ (old >>> 3);
    const s1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words[t] = words[t - 16] + s0 + words[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t] + words[t]) | 0;
    const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, place) => (state[place] += word));
}

const turned = (word, by) => (word >>> by) | (word << (32 - by));
