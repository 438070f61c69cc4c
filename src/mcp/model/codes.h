// Names of the catalogue's codes, for the code that reports them:
//   return fail(Code::kFailedPrecondition, ...).id(model::code::kImageMissing);
//
// A code is never reused for another meaning. See catalogue.h for what each one tells.
#pragma once

namespace mcp::model::code {

// 01xx: definitions
inline constexpr const char* kDefinitionSyntax = "MCP-0101";
inline constexpr const char* kDefinitionInvalid = "MCP-0102";
inline constexpr const char* kFloatingTag = "MCP-0103";
inline constexpr const char* kVolumeOutsideRoots = "MCP-0104";
inline constexpr const char* kDependencyCycle = "MCP-0105";
inline constexpr const char* kLaterTier = "MCP-0106";
inline constexpr const char* kUnknownDependency = "MCP-0107";
inline constexpr const char* kUnknownAddressLabel = "MCP-0108";
inline constexpr const char* kNameMismatch = "MCP-0109";
inline constexpr const char* kBadPort = "MCP-0110";
inline constexpr const char* kWrongNode = "MCP-0111";
inline constexpr const char* kLabelsTooLarge = "MCP-0112";
inline constexpr const char* kSpecUnreadable = "MCP-0113";
inline constexpr const char* kCannotConvert = "MCP-0114";
inline constexpr const char* kBadSocket = "MCP-0115";

// 02xx: deploy and the other operations
inline constexpr const char* kImageMissing = "MCP-0201";
inline constexpr const char* kGenerationMismatch = "MCP-0202";
inline constexpr const char* kPortTaken = "MCP-0203";
inline constexpr const char* kPortsExhausted = "MCP-0204";
inline constexpr const char* kGateFailed = "MCP-0205";
inline constexpr const char* kNeedsAttention = "MCP-0206";
inline constexpr const char* kServiceBusy = "MCP-0207";
inline constexpr const char* kLimitsUnavailable = "MCP-0208";
inline constexpr const char* kAdoptDiffers = "MCP-0209";
inline constexpr const char* kHostDirectoryMissing = "MCP-0210";
inline constexpr const char* kSecretMissing = "MCP-0211";
inline constexpr const char* kRequestReused = "MCP-0212";
inline constexpr const char* kOperationCancelled = "MCP-0213";
inline constexpr const char* kOperationInterrupted = "MCP-0214";
inline constexpr const char* kPullFailed = "MCP-0215";
inline constexpr const char* kUnknownService = "MCP-0216";
inline constexpr const char* kStrategyUnsupported = "MCP-0217";
inline constexpr const char* kCreateFailed = "MCP-0218";
inline constexpr const char* kDiskFull = "MCP-0219";
inline constexpr const char* kStartFailed = "MCP-0220";
inline constexpr const char* kUnmanagedContainer = "MCP-0221";
inline constexpr const char* kParkedLeft = "MCP-0222";
inline constexpr const char* kArchiveUnusable = "MCP-0223";
inline constexpr const char* kFilePath = "MCP-0224";
inline constexpr const char* kFileChanged = "MCP-0225";
inline constexpr const char* kFileOwner = "MCP-0226";
inline constexpr const char* kHelperUnavailable = "MCP-0227";

// 03xx: doctor, one for each check, and what its findings look like elsewhere
inline constexpr const char* kUidPinned = "MCP-0301";
inline constexpr const char* kUidCollision = "MCP-0302";
inline constexpr const char* kSubid = "MCP-0303";
inline constexpr const char* kNewuidmap = "MCP-0304";
inline constexpr const char* kNoNewPrivileges = "MCP-0305";
inline constexpr const char* kTun = "MCP-0306";
inline constexpr const char* kLinger = "MCP-0307";
inline constexpr const char* kRuntimeDir = "MCP-0308";
inline constexpr const char* kRunroot = "MCP-0309";
inline constexpr const char* kDriver = "MCP-0310";
inline constexpr const char* kPrivilegedPorts = "MCP-0311";
inline constexpr const char* kPort53 = "MCP-0312";
inline constexpr const char* kResolvers = "MCP-0313";
inline constexpr const char* kOverlayDns = "MCP-0314";
inline constexpr const char* kTlsSan = "MCP-0315";
inline constexpr const char* kTlsTrust = "MCP-0316";
inline constexpr const char* kImages = "MCP-0317";
inline constexpr const char* kData = "MCP-0318";
inline constexpr const char* kRestartUnit = "MCP-0319";
inline constexpr const char* kKernel = "MCP-0320";
inline constexpr const char* kDisk = "MCP-0321";
inline constexpr const char* kInodes = "MCP-0322";
inline constexpr const char* kClock = "MCP-0323";
inline constexpr const char* kNofile = "MCP-0324";
inline constexpr const char* kMemory = "MCP-0325";
inline constexpr const char* kRegistryCheck = "MCP-0326";
inline constexpr const char* kSocketModes = "MCP-0327";
inline constexpr const char* kBootPlan = "MCP-0328";
inline constexpr const char* kDependencies = "MCP-0329";
inline constexpr const char* kChmodDenied = "MCP-0330";
inline constexpr const char* kUidMapDenied = "MCP-0331";
inline constexpr const char* kPodmanNotFound = "MCP-0332";
inline constexpr const char* kOverlay = "MCP-0333";
inline constexpr const char* kFirewall = "MCP-0334";

// 04xx: boot, gates, recover
inline constexpr const char* kStageHeld = "MCP-0401";
inline constexpr const char* kGateDeadline = "MCP-0402";
inline constexpr const char* kBootImageMissing = "MCP-0403";
inline constexpr const char* kBlocked = "MCP-0404";
inline constexpr const char* kNotRecoverable = "MCP-0405";
inline constexpr const char* kNameHeldByStore = "MCP-0406";
inline constexpr const char* kBootRunning = "MCP-0407";
inline constexpr const char* kGateUnverified = "MCP-0408";
inline constexpr const char* kSealed = "MCP-0409";
inline constexpr const char* kBootIdle = "MCP-0410";
inline constexpr const char* kPartlyRecovered = "MCP-0411";

// 05xx: registry and agent
inline constexpr const char* kUninitialized = "MCP-0501";
inline constexpr const char* kRegistryLocked = "MCP-0502";
inline constexpr const char* kRegistryCorrupt = "MCP-0503";
inline constexpr const char* kMirrorDiffers = "MCP-0504";
inline constexpr const char* kAgentUnreachable = "MCP-0505";
inline constexpr const char* kVersionSkew = "MCP-0508";
inline constexpr const char* kNotAllowed = "MCP-0510";
inline constexpr const char* kRegistryNewer = "MCP-0511";

// 06xx: runtime
inline constexpr const char* kRuntimeUnreachable = "MCP-0601";
inline constexpr const char* kRuntimeTooOld = "MCP-0602";
inline constexpr const char* kImageRegistryRefused = "MCP-0603";
inline constexpr const char* kAddressInUse = "MCP-0604";
inline constexpr const char* kContainerStale = "MCP-0605";
inline constexpr const char* kPortDead = "MCP-0606";
inline constexpr const char* kFlapping = "MCP-0607";
inline constexpr const char* kNameInUse = "MCP-0608";
inline constexpr const char* kDrift = "MCP-0609";

}  // namespace mcp::model::code
