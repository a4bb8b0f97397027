// What a pass proves, and who signed the list: the same sums as bureau/common/codes.py and venues/actions/offline.py.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LOOKALIKES = { O: '0', I: '1', L: '1', U: 'V' };
const STEP = 30;
const CHINA = 8 * 3600;

const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const big = (part) => part.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

export const normalise = (typed) => typed.replace(/[\s-]/g, '').toUpperCase().replace(/[OILU]/g, (char) => LOOKALIKES[char]);

// {code, proof} of a scanned address or of a typed code with or without its six digits; null for anything else.
export function parse(text) {
  const found = /\/([a-z])\/([0-9A-Za-z-]+)(?:\?k=([0-9A-Z]+))?$/.exec(text.trim());
  if (found) return found[1] === 'p' ? { code: normalise(found[2]), proof: found[3] || '' } : null;
  const typed = normalise(text);
  const [code, proof] = [typed.slice(0, 12), typed.slice(12)];
  const isOurs = [...typed].every((char) => ALPHABET.includes(char));
  return code.length === 12 && isOurs && [0, 6].includes(proof.length) ? { code, proof } : null;
}

async function proofs(code, key, step) {
  const secret = await crypto.subtle.importKey('raw', bytes(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', secret, new TextEncoder().encode(`${code}|${step}`)));
  const number = big(mac.slice(0, 8));
  const letters = Array.from({ length: 10 }, (_, i) => ALPHABET[Number((number >> BigInt(5 * i)) & 31n)]).join('');
  return [letters, String(big(mac.slice(8, 16)) % 1000000n).padStart(6, '0')];
}

// Whether `given` proves the pass in this half minute or the one before; `keys` are its keys by day.
export async function isLive(code, given, keys, at) {
  const now = Math.floor(at / 1000 / STEP);
  for (const step of [now, now - 1]) {
    const day = new Date((step * STEP + CHINA) * 1000).toISOString().slice(0, 10);
    if (keys[day] && (await proofs(code, keys[day], step)).includes(given)) return true;
  }
  return false;
}

// The list that the portal signed, read; null when a letter of it was changed.
export async function readList(publicKey, { body, signature }) {
  const kind = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', publicKey, kind, false, ['verify']);
  const ok = await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, bytes(signature), new TextEncoder().encode(body));
  return ok ? JSON.parse(body) : null;
}
