// SPORTDRAW-1 in the browser: three checks of one entry, from its public proof.
// WebCrypto where the browser offers it; on a page without https it does not, so there
// is a SHA-256 in plain script, too.
const text = new TextEncoder();
const subtle = globalThis.crypto && globalThis.crypto.subtle;

export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
export const unhex = (digits) => Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
export const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

function constants(count, root) {
  const found = [];
  for (let n = 2; found.length < count; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (prime) found.push(Math.floor((root(n) % 1) * 2 ** 32));
  }
  return found;
}
const K = constants(64, Math.cbrt);
const H = constants(8, Math.sqrt);

// FIPS 180-4, word for word.
export function plainSha256(bytes) {
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, bytes.length * 8);
  const sum = [...H];
  const w = new Int32Array(64);
  for (let start = 0; start < padded.length; start += 64) {
    for (let i = 0; i < 64; i += 1) {
      if (i < 16) { w[i] = view.getInt32(start + i * 4); continue; }
      const [a, b] = [w[i - 15], w[i - 2]];
      w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = sum;
    for (let i = 0; i < 64; i += 1) {
      const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((part, i) => { sum[i] = (sum[i] + part) | 0; });
  }
  const out = new DataView(new ArrayBuffer(32));
  sum.forEach((part, i) => out.setInt32(i * 4, part));
  return new Uint8Array(out.buffer);
}

export async function sha256(...parts) {
  const bytes = joined(...parts);
  return subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : plainSha256(bytes);
}

// RFC 2104; our keys are shorter than a block.
export async function hmac(key, message) {
  const pad = (byte) => Uint8Array.from({ length: 64 }, (_, i) => (key[i] || 0) ^ byte);
  return sha256(pad(0x5c), await sha256(pad(0x36), message));
}

export const commitOf = async (salt, idNumber) => hex(await sha256(text.encode('SPORTDRAW-ID'), unhex(salt), text.encode(idNumber)));

export async function rootOf(proof) {
  let top = await sha256([0], text.encode(`${proof.entry_id}|${proof.weight}|${proof.commit}\n`));
  for (const [side, sibling] of proof.path) {
    top = await (side === 'R' ? sha256([1], top, unhex(sibling)) : sha256([1], unhex(sibling), top));
  }
  return hex(top);
}

export async function seedOf(proof) {
  const lines = ['SPORTDRAW-1', proof.draw_id, proof.root, proof.rules_hash, ...proof.beacons];
  return hex(await sha256(text.encode(lines.map((line) => `${line}\n`).join(''))));
}

export async function scoreOf(seed, entryId, weight) {
  const scores = [];
  for (let ticket = 0; ticket < weight; ticket += 1) scores.push(hex(await hmac(unhex(seed), text.encode(`${entryId}|${ticket}`))));
  return scores.sort()[0];
}

// What holds: true or false, and null for what cannot be told before the draw.
export async function checkProof(proof) {
  const listed = await rootOf(proof) === proof.root;
  if (!proof.seed) return { listed, seeded: null, scored: null };
  const [seed, score] = [await seedOf(proof), await scoreOf(proof.seed, proof.entry_id, proof.weight)];
  const within = proof.cutoff !== '' && score <= proof.cutoff;
  // A group that did not fit is skipped, whatever its score.
  const fair = proof.won === within || (proof.group_size > 1 && !proof.won);
  return { listed, seeded: seed === proof.seed, scored: score === proof.score && fair };
}
