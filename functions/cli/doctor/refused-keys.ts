/** 401, or an error name of an Amazon service for keys that are unknown, expired or missing. */
const WRONG_KEY =
  / answered 401\b|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|InvalidAccessKeyId|AuthFailure|ExpiredToken|CredentialsProviderError/

/** True if a read failed because the key or login is wrong (401); false if a right is missing (403). */
export function isWrongKey(why: string): boolean {
  return WRONG_KEY.test(why)
}

/** Advice for a wrong key of Huawei Cloud. */
export const WRONG_HUAWEI_KEY =
  "the key is wrong: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK must be the two parts of one access key of this cloud, not swapped"
