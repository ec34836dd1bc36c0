// What is wanted of other people's packages, fetched only where a browser has no Ed25519 or no WebCrypto.

import { Point, getPublicKey, hashes, sign } from "./ed25519.js";
import { sha256, sha512 } from "./sha2.js";

export { Point, getPublicKey, hashes, sha256, sha512, sign };
