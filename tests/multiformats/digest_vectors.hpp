// Published vectors of hash functions, as hexadecimal text.
#pragma once

#include "multiformats/multicodec.hpp"

#include <array>
#include <string_view>

namespace masu::test {

struct DigestVector {
  std::string_view input;  // text
  std::string_view multihash;
};
// github.com/multiformats/multihash, tests/values/test_cases.csv: three of its twenty inputs.
inline constexpr std::array multihash_vectors{
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c", "110ae861e452cfd84dca9a17"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "1114e861e452cfd84dca9a176258c3d06e020a0c93d8"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c", "120affb31f07aa15348368c9"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "1214ffb31f07aa15348368c90c73a834dbf9f8710365"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "1220ffb31f07aa15348368c90c73a834dbf9f8710365860fa0fd4ddce9ac2782cc17"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c", "130aabffa1926b038a2f1833"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "1314abffa1926b038a2f1833092d93859ba2ee56e07a"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "1320abffa1926b038a2f1833092d93859ba2ee56e07a86b158200fc7d4d5d1eaf350"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "1340abffa1926b038a2f1833092d93859ba2ee56e07a86b158200fc7d4d5d1eaf350b0f0e511ea6f5043a9f4"
                 "a7c7886f93355652114709d75b2db4c33741124fd4fe"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c", "140a9a7a8207a57d03e9c524"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "14149a7a8207a57d03e9c524ae7fd39563bfe1a466a3"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "14209a7a8207a57d03e9c524ae7fd39563bfe1a466a3a0323875eba8b034a1d59c3b"},
    DigestVector{"431fb5d4c9b735ba1a34d0df045118806ae2336f2c",
                 "14409a7a8207a57d03e9c524ae7fd39563bfe1a466a3a0323875eba8b034a1d59c3b7218103543f7777f17ef"
                 "03dcaf44d12c74dfb83726e7425cf61225e9a54b3b3a"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94", "110aa29eea788860fb1b2884"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "1114a29eea788860fb1b288408345592c8662a4dcde5"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94", "120a3afa34fba2f3572ac56d"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "12143afa34fba2f3572ac56d80f52002e8727dd95f17"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "12203afa34fba2f3572ac56d80f52002e8727dd95f17a2e7c9376a3147a96d3e78ac"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94", "130a1c452c7d9f572510fa1a"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "13141c452c7d9f572510fa1a3224e37a3030c8750b3e"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "13201c452c7d9f572510fa1a3224e37a3030c8750b3e1763f1ad0d38274b3ea58ca7"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "13401c452c7d9f572510fa1a3224e37a3030c8750b3e1763f1ad0d38274b3ea58ca7b4317dd0913250b4b16c"
                 "9b0f6281aa74c42d8d5e72043e0fb214d3ad51d4ee8c"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94", "140a968e697b2d5e92470002"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "1414968e697b2d5e92470002f9e59e13557f47b895dc"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "1420968e697b2d5e92470002f9e59e13557f47b895dc9c79082a90e91515f0255637"},
    DigestVector{"2d6db2d7882fa8b7d56e74b8e24036deb475de8c94",
                 "1440968e697b2d5e92470002f9e59e13557f47b895dc9c79082a90e91515f025563773aec0f70219c87350c7"
                 "9707de67500866d7fe084c5316e12c6930949b28865d"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e", "110abd23220dec583addf275"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "1114bd23220dec583addf27599f0dc3a53c2a1dcf806"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e", "120af6a17055da6921b92a23"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "1214f6a17055da6921b92a23f6fa4e2434160dec6ccf"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "1220f6a17055da6921b92a23f6fa4e2434160dec6ccfe1ce5979415ccf6467a8d8ac"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e", "130aaeeaaf6cbfe3b61b01f4"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "1314aeeaaf6cbfe3b61b01f4dabee8cad7c3063b3ae8"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "1320aeeaaf6cbfe3b61b01f4dabee8cad7c3063b3ae80e0f346c5212699c5bf369fb"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "1340aeeaaf6cbfe3b61b01f4dabee8cad7c3063b3ae80e0f346c5212699c5bf369fb57143a7b4a980fe5bfdf"
                 "0420da7ff2667530a16f2c2d96c7c5c858584b151b49"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e", "140a5541d5148a03e5ba0a91"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "14145541d5148a03e5ba0a916b8f91175219b15e260f"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "14205541d5148a03e5ba0a916b8f91175219b15e260f0b26c4fdfa24b24bc54ac640"},
    DigestVector{"444a8ca03cce5b47991b3baf807f4eaa1d8175a72e",
                 "14405541d5148a03e5ba0a916b8f91175219b15e260f0b26c4fdfa24b24bc54ac64045ea813027252d05c43a"
                 "3f0d5def492937a33fbc04c3eaf7ad61af5e16bb7c3f"},
};

// github.com/multiformats/go-multihash, sum_test.go: those on the allow list.
inline constexpr std::array go_multihash_vectors{
    DigestVector{"foo", "11140beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33"},
    DigestVector{"foo", "110a0beec7b5ea3f0fdbc95d"},
    DigestVector{"foo", "12202c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
    DigestVector{"foo", "121f2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7"},
    DigestVector{"foo", "12102c26b46b68ffc68ff99b453c1d304134"},
    DigestVector{"foo",
                 "1340f7fbba6e0636f890e56fbbf3283e524c6fa3204ae298382d624741d0dc6638326e282c41be5e4254d882"
                 "0772c5518a2c5a8c0c7f7eda19594a7eb539453e1ed7"},
    DigestVector{"foo", "1320f7fbba6e0636f890e56fbbf3283e524c6fa3204ae298382d624741d0dc663832"},
    DigestVector{"foo", "14204bca2b137edc580fe50a88983ef860ebaca36c857b1f492839d6d7392452a63c"},
    DigestVector{"foo", "14104bca2b137edc580fe50a88983ef860eb"},
    DigestVector{"foo",
                 "14404bca2b137edc580fe50a88983ef860ebaca36c857b1f492839d6d7392452a63c82cbebc68e3b70a2a148"
                 "0b4bb5d437a7cba6ecf9d89f9ff3ccd14cd6146ea7e7"},
    DigestVector{"beep boop", "171c0da73a89549018df311c0a63250e008f7be357f93ba4e582aaea32b8"},
    DigestVector{"beep boop", "17100da73a89549018df311c0a63250e008f"},
    DigestVector{"beep boop", "1620828705da60284b39de02e3599d1f39e6c1df001f5dbf63c9ec2d2c91a95a427f"},
    DigestVector{"beep boop", "1610828705da60284b39de02e3599d1f39e6"},
    DigestVector{"beep boop",
                 "153075a9cff1bcfbe8a7025aa225dd558fb002769d4bf3b67d2aaf180459172208bea989804aefccf060b583"
                 "e629e5f41e8d"},
    DigestVector{"beep boop", "151075a9cff1bcfbe8a7025aa225dd558fb0"},
    DigestVector{"foo", "5620c7ade88fc7a21498a6a5e5c385e1f68bed822b72aa63c4a9a48a02c2466ee29e"},
    DigestVector{"foo",
                 "c0e40240ca002330e69d3e6b84a46a56a6533fd79d51d97a3bb7cad6c2ff43b354185d6dc1e723fb3db4ae07"
                 "37e120378424c714bb982d9dc5bbd7a0ab318240ddd18f8d"},
    DigestVector{"foo", "a0e40220b8fe9f7f6255a6fa08f668ab632a8d081ad87983c77cd274e48ce450f0b349fd"},
    DigestVector{"foo",
                 "ade4022dca82ab956d5885e3f5db10cca94182f01a6ca2c47f9f4228497dcc9f4a0121c725468b852a71ec21"
                 "fcbeb725df"},
    DigestVector{"foo",
                 "b0e40230e629ee880953d32c8877e479e3b4cb0a4c9d5805e2b34c675b5a5863c4ad7d64bb2a9b8257fac9d8"
                 "2d289b3d39eb9cc2"},
    DigestVector{"foo", "94e40214983ceba2afea8694cc933336b27b907f90c53a88"},
    DigestVector{"foo", "e0e4022008d6cad88075de8f192db097573d0e829411cd91eb6ec65e8fc16c017edfdb74"},
    DigestVector{"foo", "1b2041b1a0649752af1b28b3dc29a1556eee781e4a4c3a1f7f53f90fa834de098c4d"},
    DigestVector{"beep boop",
                 "1d40e161c54798f78eba3404ac5e7e12d27555b7b810e7fd0db3f25ffa0c785c438331b0fbb6156215f69edf"
                 "403c642e5280f4521da9bd767296ec81f05100852e78"},
    DigestVector{"foo",
                 "19401af97f7818a28edfdfce5ec66dbdc7e871813816d7d585fe1f12475ded5b6502b7723b74e2ee36f2651a"
                 "10a8eaca72aa9148c3c761aaceac8f6d6cc64381ed39"},
    DigestVector{"foo", "1e2004e0bb39f30b1a3feb89f536c93be15055482df748674b00d26e5a75777702e9"},
    DigestVector{"foo",
                 "1e4004e0bb39f30b1a3feb89f536c93be15055482df748674b00d26e5a75777702e9791074b7511b59d31c71"
                 "c62f5a745689fa6c9497f68bdf1061fe07f518d410c0"},
    DigestVector{"foo",
                 "1e800104e0bb39f30b1a3feb89f536c93be15055482df748674b00d26e5a75777702e9791074b7511b59d31c"
                 "71c62f5a745689fa6c9497f68bdf1061fe07f518d410c0b0c27f41b3cf083f8a7fdc67a877e21790515762a7"
                 "54a45dcb8a356722698a7af5ed2bb608983d5aa75d4d61691ef132efe8631ce0afc15553a08fffc60ee936"},
};

// github.com/BLAKE3-team/BLAKE3, test_vectors.json: inputs of bytes 0, 1, … 250, 0, …; the first 128 bytes of
// output.
struct Blake3Vector {
  std::size_t input_bytes;
  std::string_view output;
};
inline constexpr std::array blake3_vectors{
    Blake3Vector{0,
                 "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262e00f03e7b69af26b7faaf09f"
                 "cd333050338ddfe085b8cc869ca98b206c08243a26f5487789e8f660afe6c99ef9e0c52b92e7393024a80459"
                 "cf91f476f9ffdbda7001c22e159b402631f277ca96f2defdf1078282314e763699a31c5363165421"},
    Blake3Vector{1,
                 "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213c3a6cb8bf623e20cdb535f8d"
                 "1a5ffb86342d9c0b64aca3bce1d31f60adfa137b358ad4d79f97b47c3d5e79f179df87a3b9776ef8325f8329"
                 "886ba42f07fb138bb502f4081cbcec3195c5871e6c23e2cc97d3c69a613eba131e5f1351f3f1da78"},
    Blake3Vector{64,
                 "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98fc9cc56cb831ffe33ea8e7e1"
                 "d1df09b26efd2767670066aa82d023b1dfe8ab1b2b7fbb5b97592d46ffe3e05a6a9b592e2949c74160e46743"
                 "01bc3f97e04903f8c6cf95b863174c33228924cdef7ae47559b10b294acd660666c4538833582b43"},
    Blake3Vector{1023,
                 "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11a182d27a591b05592b156075"
                 "00e1e8dd56bc6c7fc063715b7a1d737df5bad3339c56778957d870eb9717b57ea3d9fb68d1b55127bba6a906"
                 "a4a24bbd5acb2d123a37b28f9e9a81bbaae360d58f85e5fc9d75f7c370a0cc09b6522d9c8d822f2f"},
    Blake3Vector{1024,
                 "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af71cf8107265ecdaf8505b95d8"
                 "fcec83a98a6a96ea5109d2c179c47a387ffbb404756f6eeae7883b446b70ebb144527c2075ab8ab204c0086b"
                 "b22b7c93d465efc57f8d917f0b385c6df265e77003b85102967486ed57db5c5ca170ba441427ed9a"},
    Blake3Vector{1025,
                 "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444f4c4a22b4b399155358a994e"
                 "52bf255de60035742ec71bd08ac275a1b51cc6bfe332b0ef84b409108cda080e6269ed4b3e2c3f7d722aa4cd"
                 "c98d16deb554e5627be8f955c98e1d5f9565a9194cad0c4285f93700062d9595adb992ae68ff1280"},
    Blake3Vector{3072,
                 "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd29a3f6b0b978d6608335c09dc"
                 "94ccf682f9951cdfc501bfe47b9c9189a6fc7b404d120258506341a6d802857322fbd20d3e5dae05b95c8879"
                 "3fa83db1cb08e7d8008d1599b6209d78336e24839724c191b2a52a80448306e0daa84a3fdb566661"},
    Blake3Vector{8193,
                 "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3bb2282aa69be089359ea1154b"
                 "9a9286c4a56af4de975a9aa4a5c497654914d279bea60bb6d2cf7225a2fa0ff5ef56bbe4b149f3ed15860f78"
                 "b4e2ad04e158e375c1e0c0b551cd7dfc82f1b155c11b6b3ed51ec9edb30d133653bb5709d1dbd55f"},
    Blake3Vector{31744,
                 "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47860cc51f2b0c28a7b77304bd"
                 "55fe73af663c02d3f52ea053ba43431ca5bab7bfea2f5e9d7121770d88f70ae9649ea713087d1914f7f31214"
                 "7e247f87eb2d4ffef0ac978bf7b6579d57d533355aa20b8b77b13fd09748728a5cc327a8ec470f40"},
    Blake3Vector{102400,
                 "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085e01c59dab908c04c3342b816"
                 "941a26d69c2605ebee5ec5291cc55e15b76146e6745f0601156c3596cb75065a9c57f35585a52e1ac70f6913"
                 "1c23d611ce11ee4ab1ec2c009012d236648e77be9295dd0426f29b764d65de58eb7d01dd42248204"},
};

// Made with Python's hashlib: for n from 0 to 300 the digest of the n bytes 7i + n (modulo 256), and of those
// digests in a row the sha2-256.
struct SweepVector {
  HashCode code;
  std::string_view digest;
};
inline constexpr std::array sweep_vectors{
    SweepVector{HashCode::sha1, "47239c52c701c5e05398e4709678f658b2d2108f40c2da3b6615c0121d3c0d5d"},
    SweepVector{HashCode::sha2_256, "60d63ff40b5558727a9b786ac0be9300f7ca58fd9ddd3b2f3681b369018a87dc"},
    SweepVector{HashCode::dbl_sha2_256, "922da0266866045c577a77eea6042240624f3290927bfb377d5977b2e2ca506d"},
    SweepVector{HashCode::sha2_512, "f3a878b16610912d9a238688c52fc5f29f8fe30d2c5656e7e77dcf747171648d"},
    SweepVector{HashCode::sha3_224, "efe7a462db181346ec769888a014f06fb72824b7cf2d5982f193f1dc01a0d509"},
    SweepVector{HashCode::sha3_256, "71e220528d47ef8725a8a599461adc38e7baf8dd68c0dd3f66b401f399286055"},
    SweepVector{HashCode::sha3_384, "fbe631a5424f066b282019a319e62e55a56cd91677798b548a2bee8e281a96df"},
    SweepVector{HashCode::sha3_512, "8d6c77fa08a82467cf8eeae8718c9d229ea49176a362d9877fdbbd0054344aa6"},
    SweepVector{HashCode::shake_256, "cc3544f16fe6ffb98cc87620d26a82af010fa29f11c9877d2ac4fc55a6480f24"},
    SweepVector{HashCode{0xb214}, "bc3c56edf0b3490d4f55a240fe033c62d73821e0f42d4d97bb2581504310bf19"},
    SweepVector{HashCode{0xb21f}, "d95beb14b766115554de058fe443472c9c9ed59d5629112a7768b022cd8c05e5"},
    SweepVector{HashCode{0xb220}, "7ae079c1e5b10231b8659f14d88748f75b1a21c94b2b898a827673baa25d5f43"},
    SweepVector{HashCode{0xb230}, "30c239a5d4268f617bd5081dffda7049ed6a1924f33081b98218d7b1c417cc2e"},
    SweepVector{HashCode{0xb240}, "9f3bf45191421464d39b3ed06f3bcb3c7bc713518771e045889fff9871b40340"},
    SweepVector{HashCode{0xb254}, "a3865bf94c7f06dd0aaa41cff3cc2520cf0b68dad4a62db06550645721dcf8e8"},
    SweepVector{HashCode{0xb25c}, "2894220129d535769ccd706f4562ec0ab38d56404e7966f7dd8f0d8b1d26d761"},
    SweepVector{HashCode{0xb25f}, "1a46df058793e78673a09610324d4d4e3c96596dea7f03006efb45bb1a7f89c3"},
    SweepVector{HashCode{0xb260}, "450c1ab09a61ae5a0e7edb0deac5db4a613415b970e99cdb92a7d13c1f8dd6c6"},
};

}  // namespace masu::test
