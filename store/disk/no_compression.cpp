// What RocksDB of a static build names of the compression libraries, without them.
//
// Nothing that masu writes is compressed by RocksDB: keys are digests, and small blocks would be read whole
// for one. The archive names every library it was built for all the same, and they would be 0.9 MiB of code
// that each node maps. Here each function fails in the way its library documents: RocksDB answers a
// compressed file with Corruption, and stores plainly what it cannot compress.
#include <cstddef>

#include <bzlib.h>
#include <lz4.h>
#include <lz4hc.h>
#include <snappy.h>
#include <zdict.h>
#include <zstd.h>

namespace snappy {

size_t MaxCompressedLength(size_t source_bytes) { return 32 + source_bytes + source_bytes / 6; }
void RawCompress(const char*, size_t, char*, size_t* compressed_length) { *compressed_length = 0; }
bool RawUncompress(const char*, size_t, char*) { return false; }
bool GetUncompressedLength(const char*, size_t, size_t*) { return false; }

}  // namespace snappy

extern "C" {

int BZ2_bzCompressInit(bz_stream*, int, int, int) { return BZ_CONFIG_ERROR; }
int BZ2_bzCompress(bz_stream*, int) { return BZ_SEQUENCE_ERROR; }
int BZ2_bzCompressEnd(bz_stream*) { return BZ_PARAM_ERROR; }
int BZ2_bzDecompressInit(bz_stream*, int, int) { return BZ_CONFIG_ERROR; }
int BZ2_bzDecompress(bz_stream*) { return BZ_SEQUENCE_ERROR; }
int BZ2_bzDecompressEnd(bz_stream*) { return BZ_PARAM_ERROR; }

int LZ4_compressBound(int) { return 0; }
LZ4_stream_t* LZ4_createStream(void) { return nullptr; }
int LZ4_freeStream(LZ4_stream_t*) { return 0; }
int LZ4_loadDict(LZ4_stream_t*, const char*, int) { return 0; }
int LZ4_compress_fast_continue(LZ4_stream_t*, const char*, char*, int, int, int) { return 0; }
LZ4_streamDecode_t* LZ4_createStreamDecode(void) { return nullptr; }
int LZ4_freeStreamDecode(LZ4_streamDecode_t*) { return 0; }
int LZ4_setStreamDecode(LZ4_streamDecode_t*, const char*, int) { return 0; }
int LZ4_decompress_safe_continue(LZ4_streamDecode_t*, const char*, char*, int, int) { return -1; }
LZ4_streamHC_t* LZ4_createStreamHC(void) { return nullptr; }
int LZ4_freeStreamHC(LZ4_streamHC_t*) { return 0; }
void LZ4_resetStreamHC(LZ4_streamHC_t*, int) {}
int LZ4_loadDictHC(LZ4_streamHC_t*, const char*, int) { return 0; }
int LZ4_compress_HC_continue(LZ4_streamHC_t*, const char*, char*, int, int) { return 0; }

// As its error codes are: everything is one, and a version that has none of the newer calls.
unsigned ZSTD_isError(size_t) { return 1; }
unsigned ZSTD_versionNumber(void) { return 0; }
unsigned ZDICT_isError(size_t) { return 1; }
size_t ZDICT_trainFromBuffer(void*, size_t, const void*, const size_t*, unsigned) { return ~size_t(0); }
size_t ZDICT_finalizeDictionary(void*, size_t, const void*, size_t, const void*, const size_t*, unsigned,
                                ZDICT_params_t) {
  return ~size_t(0);
}
size_t ZSTD_compressBound(size_t) { return 0; }
ZSTD_CCtx* ZSTD_createCCtx(void) { return nullptr; }
size_t ZSTD_freeCCtx(ZSTD_CCtx*) { return 0; }
size_t ZSTD_CCtx_reset(ZSTD_CCtx*, ZSTD_ResetDirective) { return ~size_t(0); }
size_t ZSTD_CCtx_setParameter(ZSTD_CCtx*, ZSTD_cParameter, int) { return ~size_t(0); }
size_t ZSTD_compressStream2(ZSTD_CCtx*, ZSTD_outBuffer*, ZSTD_inBuffer*, ZSTD_EndDirective) {
  return ~size_t(0);
}
size_t ZSTD_compress_usingDict(ZSTD_CCtx*, void*, size_t, const void*, size_t, const void*, size_t, int) {
  return ~size_t(0);
}
ZSTD_CDict* ZSTD_createCDict(const void*, size_t, int) { return nullptr; }
size_t ZSTD_freeCDict(ZSTD_CDict*) { return 0; }
size_t ZSTD_compress_usingCDict(ZSTD_CCtx*, void*, size_t, const void*, size_t, const ZSTD_CDict*) {
  return ~size_t(0);
}
ZSTD_DCtx* ZSTD_createDCtx(void) { return nullptr; }
size_t ZSTD_freeDCtx(ZSTD_DCtx*) { return 0; }
size_t ZSTD_DCtx_reset(ZSTD_DCtx*, ZSTD_ResetDirective) { return ~size_t(0); }
size_t ZSTD_decompressStream(ZSTD_DCtx*, ZSTD_outBuffer*, ZSTD_inBuffer*) { return ~size_t(0); }
size_t ZSTD_decompress_usingDict(ZSTD_DCtx*, void*, size_t, const void*, size_t, const void*, size_t) {
  return ~size_t(0);
}

}  // extern "C"
