// What a gate remembers without network: `kept` (list, device, clock), `used` (passes let in here), `queue` (not yet told).
const STORES = { kept: undefined, used: 'code', queue: 'key', conflicts: 'key' };

const asked = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

function open() {
  const request = indexedDB.open('gate', 1);
  request.onupgradeneeded = () => {
    for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, keyPath ? { keyPath } : undefined);
  };
  return asked(request);
}

const opened = open();
const store = async (name, mode = 'readonly') => (await opened).transaction(name, mode).objectStore(name);

export const get = async (name, key) => asked((await store(name)).get(key));
export const all = async (name) => asked((await store(name)).getAll());
export const count = async (name) => asked((await store(name)).count());
export const put = async (name, value, key) => asked((await store(name, 'readwrite')).put(value, key));
export const remove = async (name, key) => asked((await store(name, 'readwrite')).delete(key));
export const clear = async (name) => asked((await store(name, 'readwrite')).clear());

// Both rows or none: a pass is used here once, however fast it is shown again. False when it was used before.
export async function useOnce(used, scan) {
  const transaction = (await opened).transaction(['used', 'queue'], 'readwrite');
  transaction.objectStore('used').add(used);
  if (scan) transaction.objectStore('queue').add(scan);
  return new Promise((done) => {
    transaction.oncomplete = () => done(true);
    transaction.onabort = () => done(false);
    transaction.onerror = (event) => event.preventDefault() || transaction.abort();
  });
}
