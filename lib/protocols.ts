/**
 * `circle-loss/protocols`: the data sets by which metric learning is judged, as they are published. Readers take folders
 * and lists, and say which image has which label, camera, fold or template; they never open an image. Embeddings are
 * yours: `alignRows` finds the row of each item.
 *
 * Public names, nothing else. What each reader expects and what its metric is: docs/protocols.md.
 *
 * @module circle-loss/protocols
 */
export {
  type AlignedPairs,
  type AlignOptions,
  alignPairs,
  alignRows,
  alignTemplates,
  camerasOf,
  gatherRows,
  labelsOf,
  type Pathed,
  type TemplateImages,
  templatesOf,
} from './protocols/align.ts';
export { type Cars196Options, type Cars196Protocol, readCars196 } from './protocols/cars196.ts';
export { type CfpOptions, readCfp } from './protocols/cfp.ts';
export { type FineGrainedOptions, readCub } from './protocols/cub.ts';
export type { ImageCheck } from './protocols/files.ts';
export {
  type IjbIdentification,
  type IjbOptions,
  type IjbVerification,
  type LabelledTemplates,
  readIjbIdentification,
  readIjbVerification,
  type TemplateList,
} from './protocols/ijb.ts';
export type {
  FrameSet,
  LabelledItem,
  ReIdentificationItem,
  ReIdentificationProtocol,
  RetrievalProtocol,
  Tracklet,
  VerificationPair,
  VerificationProtocol,
} from './protocols/items.ts';
export {
  type LfwOptions,
  type PackedPairs,
  type PackedPairsOptions,
  readLfw,
  readPackedPairs,
} from './protocols/lfw.ts';
export { type Market1501Options, readMarket1501 } from './protocols/market1501.ts';
export { type MarsOptions, readMars } from './protocols/mars.ts';
export {
  type MegaFaceFeatures,
  type MegaFaceFeaturesOptions,
  type MegaFaceList,
  type MegaFaceListOptions,
  readMegaFaceFeatures,
  readMegaFaceList,
} from './protocols/megaface.ts';
export { type Msmt17Options, type Msmt17Protocol, readMsmt17 } from './protocols/msmt17.ts';
export { readSop, type SopOptions } from './protocols/sop.ts';
export { readViper, type ViperOptions } from './protocols/viper.ts';
export { readYtf, type Video, type YtfOptions, type YtfProtocol } from './protocols/ytf.ts';
