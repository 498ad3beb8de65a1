/** What `Variant` is: asconfig.json gives one of these that name. */

// oxlint-disable no-unused-vars -- used by that name

@global
class WideVariant {
  /** Made for vectors of 256 bits: see "256 bits" in ARCHITECTURE.md. */
  @inline static get wide(): bool {
    return true;
  }
}

@global
class OtherVariant {
  @inline static get wide(): bool {
    return false;
  }
}
