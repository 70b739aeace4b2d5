"""The peer of minhash.py: step 1 of datatrove's MinHash without its files, under the peer's Python.

``datatrove_chain.py`` says how to install it. Reads a JSON file of texts, writes the signatures
(uint64[texts, 112], zeros where there is none) and prints one JSON object: seconds of CPU.
"""

import argparse
import json
import time

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", required=True)
    parser.add_argument("--hash", choices=["xxhash", "sha1"], required=True)
    parser.add_argument("--output", required=True, help="a .npy file")
    args = parser.parse_args()
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig

    with open(args.texts, encoding="utf-8") as file:
        texts = json.load(file)
    config = MinhashConfig(hash_config=HashConfig(precision=64, hash_fc=args.hash))
    signer = MinhashDedupSignature("unused", config)
    signer.get_signature(signer.get_shingles("Load the word splitter before the clock starts."))
    signatures = np.zeros((len(texts), signer.num_hashes), np.uint64)
    start = time.process_time()
    for row, text in enumerate(texts):
        shingles = signer.get_shingles(text)
        if shingles.size:
            signatures[row] = [value for band in signer.get_signature(shingles) for value in band]
    seconds = time.process_time() - start
    np.save(args.output, signatures)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
