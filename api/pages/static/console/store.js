// What the browser keeps: statements that wait to be sent, and by name who came in last, so that she may go on without
// a network, and on a shared tablet its key and what it laid in. A statement goes as soon as the service has it.

const NAME = "patina-console";
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("queue", { keyPath: "id" });
      asked.result.createObjectStore("known");
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function run(store, mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const asked = act(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export const put = (record) => run("queue", "readwrite", (store) => store.put(record));
export const drop = (id) => run("queue", "readwrite", (store) => store.delete(id));
export const get = (id) => run("queue", "readonly", (store) => store.get(id));
export const all = async () => (await run("queue", "readonly", (store) => store.getAll())).sort((a, b) => (a.made_at < b.made_at ? -1 : 1));
export const know = (key, value) => run("known", "readwrite", (store) => (value === null ? store.delete(key) : store.put(value, key)));
/** Change what is known by what it was, in one step, whatever other pages do; `null` takes it away. */
export const alter = (key, change) =>
  run("known", "readwrite", (store) => {
    const asked = store.get(key);
    asked.onsuccess = () => {
      const next = change(asked.result) ?? null;
      if (next === null) store.delete(key);
      else store.put(next, key);
    };
    return asked;
  });
export const known = (key) => run("known", "readonly", (store) => store.get(key));
